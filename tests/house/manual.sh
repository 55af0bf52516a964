#!/usr/bin/env bash
# Compares the manual pages with the programs: every option and setting is in its page, and every option
# and setting in a page is accepted. The names are taken from the pages, from the tables in the code,
# and from the programs' help, and compared, so that none is missed.
# Called by meson: manual.sh SOURCE_DIR BUILD_DIR
# shellcheck disable=SC2317 # functions that check calls
set -euo pipefail

# shellcheck source=tests/end-to-end/lib.sh
. "$1/tests/end-to-end/lib.sh"
# shellcheck source=tests/end-to-end/collectd-lib.sh
. "$1/tests/end-to-end/collectd-lib.sh"
begin "$2"
cd "$1"

cemm=$build/plugin/exec/cemm
cemmfs=$build/fs/cemmfs
cemm_page=plugin/exec/cemm.1
cemmfs_page=fs/cemmfs.1
conf_page=common/cemm.conf.5
collectd_page=plugin/collectd/collectd-cemm.5
pages=("$cemm_page" "$cemmfs_page" "$conf_page" "$collectd_page")

# same WHAT WANTED GOT: ok if two lists have the same words, in any order.
same() {
  local difference
  difference=$(diff <(tr -s ' ' '\n' <<<"$2" | sed '/^$/d' | sort -u) <(tr -s ' ' '\n' <<<"$3" | sed '/^$/d' | sort -u)) || true
  if [[ -z $2 ]]; then
    not_ok "$1" 'the first list is empty: the test no longer finds it'
  elif [[ -z $difference ]]; then
    ok "$1"
  else
    not_ok "$1" "$difference"
  fi
}

# part PAGE PATTERN…: prints the sections (.Sh) and subsections (.Ss) whose titles match a pattern.
part() {
  local page=$1
  shift
  awk -v patterns="$(printf '%s|' "$@")" '
    BEGIN { sub(/\|$/, "", patterns) }
    /^\.S[hs] / { inside = substr($0, 5) ~ "^(" patterns ")$"; next }
    inside' "$page"
}

# ---- the pages themselves ----------------------------------------------------------------------

# References to manuals that are not installed are allowed.
lint() { ! mandoc -T lint -W all "$1" 2>/dev/null | grep -v 'referenced manual not found'; }
quiet() { [[ -z $(man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null) ]]; }
references() {
  local name section
  while read -r name section; do
    [[ $name != *cemm* ]] || [[ " ${pages[*]}" == */$name.$section* ]] || echo "$name($section)"
  done < <(sed -n 's/^\.Xr \([^ ]*\) \([1-8]\).*/\1 \2/p' "$1")
}
for page in "${pages[@]}"; do
  name=${page##*/}
  if command -v mandoc >/dev/null; then check "$name: mandoc finds nothing" lint "$page"; fi
  if command -v man >/dev/null; then check "$name: man finds nothing" quiet "$page"; fi
  is "$name names existing pages" '' "$(references "$page")"
  check "$name is installed" grep -rqF "install_man('$name')" "${page%/*}/meson.build"
done

# In the Markdown pages, too, paths that they name exist and links have a target.
markdown=(README.md CONTRIBUTING.md examples/*.md examples/*/README.md)
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:] ' '[:lower:]-' | tr -d "'.,"; }
# shellcheck disable=SC2016 # the backquotes are Markdown
lost_paths() { # PAGE
  local path page
  grep -oE '`[^`]+`' "$1" | tr -d '`' | tr ' ' '\n' | grep -E '^(examples|tests|common|fs|plugin|\.ci)/' | grep -vE '<|NAME' |
    sed 's/[,;:.]$//' | while read -r path; do compgen -G "$path" >/dev/null || echo "$path"; done
  grep -oE '\]\([^)]+\)' "$1" | sed 's/^](//; s/)$//' | grep -v '^http' | while read -r path; do
    page=$1
    [[ $path == '#'* ]] || page=${1%"${1##*/}"}${path%%#*}
    [[ -e $page ]] || echo "$path"
    [[ $path != *'#'* ]] || anchors "$page" | grep -xF -e "${path#*#}" >/dev/null || echo "$path"
  done
}
for page in "${markdown[@]}"; do is "$page names files that are there" '' "$(lost_paths "$page" || true)"; done
has 'README says where the reason of collectd -T is' "$(<README.md)" '`collectd -T`: `journalctl -t collectd`'
check 'README has 200 lines at most' test "$(wc -l <README.md)" -le 200

# The messages that the pages explain must be messages of the programs. "..." is a variable part.
sources=$(grep -rhvE '^ *(/\*|\*|//)' --include='*.c' common plugin fs | tr -d '\n' | sed 's/" *"//g; s/\\"/"/g')
unknown_messages() { # PAGE
  awk '/^\.Bl -diag/ { inside = 1 } /^\.El/ { inside = 0 } inside && sub(/^\.It /, "")' "$1" | sed 's/\\(dq/"/g; s/\.\.\./\n/g' |
    sed 's/^[": ]*//; s/[" ]*$//' | grep -v '^$' | while read -r words; do [[ $sources == *"$words"* ]] || echo "$words"; done
}
for page in "${pages[@]}"; do is "${page##*/}: its messages are the programs'" '' "$(unknown_messages "$page")"; done

# environment PAGE DIRECTORY…: checks that the variables that these sources read are in the page.
environment() {
  local page=$1
  shift
  same "${page##*/}: environment" \
    "$(grep -rhoE --include='*.c' 'getenv\("[A-Z_]+"\)' "$@" | grep -oE '[A-Z_]{2,}')" \
    "$(part "$page" ENVIRONMENT | sed -n 's/^\.It //p' | grep -oE '[A-Z_]{4,}')"
}
environment "$cemm_page" common plugin/exec
environment "$cemmfs_page" common fs

# ---- cemm ----------------------------------------------------------------------------------------

long_options() { grep -oE -e "$1--[a-z-]+" | grep -oE '[a-z-]+$' | sed 's/^--//'; }
page_options() { sed -n 's/^\.It Fl Fl \([a-z-]*\).*/\1/p'; }

commands=$("$cemm" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
same 'cemm: commands' "$commands" "$(part "$cemm_page" Commands | sed -n 's/^\.It Cm //p')"
for command in $commands; do
  same "cemm $command: options" "$("$cemm" "$command" --help | long_options '^  ')" \
    "$(part "$cemm_page" 'Options of every command' "Options of (.*[, ])?$command([, ].*)?" | page_options)"
done
same 'cemm: options in the code' \
  "$(sed -n '/option_table\[\] = {/,/^}/s/^    {"\([a-z-]*\)",.*/\1/p' plugin/exec/options.c)" \
  "$(part "$cemm_page" 'Options of .*' | page_options)"
same 'cemm: options that bash completes' \
  "$(part "$cemm_page" 'Options.*' | page_options)" "$(long_options '' <plugin/exec/cemm.bash)"
same 'cemm: options without a command' "$("$cemm" --help | long_options ' ' | grep -E 'help|version')" \
  "$(part "$cemm_page" 'Options without a command' | page_options)"
formats=$(part "$cemm_page" Formats | sed -n 's/^\.It Cm //p')
same 'cemm: formats in the code' \
  "$(sed -n '/ formats\[\] = {/,/^}/p' plugin/exec/options.c | grep -oE '"[a-z-]+"' | tr -d '"')" "$formats"
same 'cemm: exit status' "$(sed -n '/^enum exec_exit/,/^}/p' plugin/exec/options.h | grep -oE '= [0-9]+' | tr -d '= ')" \
  "$(part "$cemm_page" 'EXIT STATUS' | sed -n 's/^\.It //p')"

# ---- cemmfs --------------------------------------------------------------------------------------

letters() { grep -oE '(^|[ ,])-[a-zA-Z]\b' | grep -oE '[a-zA-Z]$'; }
options=$(part "$cemmfs_page" Options | sed -n 's/^\.It //p' | grep -oE 'Fl ([a-zA-Z]\b|Fl [a-z]+)' | awk '{ print $NF }')
same 'cemmfs: options of its help' \
  "$("$cemmfs" --help | sed -n 's/^  \(-.*\)/\1/p' | letters) $("$cemmfs" --help | long_options ', ')" "$options"
same 'cemmfs: options in the code' \
  "$(sed -n 's/.*getopt_long(argc, argv, ":\([a-zA-Z:]*\)".*/\1/p' fs/options.c | tr -d : | grep -o .) \
   $(grep -oE '\{"[a-z]+", (no|required)_argument' fs/options.c | grep -oE '"[a-z]+"' | tr -d '"')" "$options"

mount_options=$(part "$cemmfs_page" 'Mount options' | sed -n 's/^\.It Cm \([a-z_]*\).*/\1/p')
same 'cemmfs: mount options in the code' \
  "$(grep -oE '\{"[a-z_]+=", (10|8)|strcmp\(option, "[a-z_]+"' fs/options.c | grep -oE '"[a-z_]+' | tr -d '"')" "$mount_options"
same 'cemmfs: mount options of its help' \
  "$("$cemmfs" --help | grep -E '^  -o ' | grep -oE -e '-o [a-z_]+|, [a-z]+=' | tr -d = | awk '{ print $NF }')" "$mount_options"
ignored=$(part "$cemmfs_page" 'Mount options' | awk '
  /accepted and ignored/ { inside = 1; next } /^The mount/ { inside = 0 }
  inside && /^\.Cm/ { gsub(/^\.Cm| , | ,$| \.$/, " "); print }')
same 'cemmfs: options that are ignored' \
  "$(sed -n '/ignored\[\] = {/,/};/p' fs/options.c | grep -oE '"[a-z_=-]+\*?"' | tr -d '"*')" "$ignored"
# taken WORD: whether the mount option is accepted.
taken() { { "$cemmfs" -o "$1" 2>&1 || true; } | grep 'no mount point given' >/dev/null; }
for word in $ignored; do
  case $word in *[-=]) word+=value ;; esac
  taken "$word" || echo "$word"
done >"$scratch/not-taken"
is 'cemmfs accepts the options that it ignores' '' "$(<"$scratch/not-taken")"
for word in $mount_options; do
  ! part "$cemmfs_page" 'Mount options' | grep "^\.It Cm $word Ns" >/dev/null || word+='=7'
  check "cemmfs accepts -o $word" taken "$word"
done
refute 'cemmfs does not accept -o colour' taken colour
same 'cemmfs: extended attributes' "$(grep -oE '"user\.cemm\.[a-z]+"' fs/ops.c | tr -d '"')" \
  "$(part "$cemmfs_page" 'Extended attributes' | sed -n 's/^\.It Va //p')"
# The results of a request (cemm.h), the errors that fs_errno() makes of them, and the errors that
# cemmfs itself returns to readers. ERANGE, EINVAL and ENOSYS are only for the kernel.
same 'cemmfs: errors' \
  "$(sed -n '/^ \* How a request ended/,/^struct/s/^ \*   -\(E[A-Z]*\) .*/\1/p' common/cemm.h | grep -v ECANCELED)
   $(grep -hoE '(fuse_reply_err|pending_reply_error)\([a-z]+, .*' fs/*.c | grep -oE '\bE[A-Z]{2,}' | grep -vE 'ERANGE|EINVAL|ENOSYS')
   $(sed -n '/^int fs_errno/,/^}/p' fs/fs.c | grep -oE '\bE[A-Z]{2,}')" \
  "$(part "$cemmfs_page" 'Errors of files and directories' | sed -n 's/^\.It Bq Er //p')"

# ---- cemm.conf -------------------------------------------------------------------------------------

# section_of KIND: prints a pattern for the title of the section.
section_of() {
  case $1 in
    global) echo 'Before the first section' ;;
    cloud | local) echo "Keys of \\[$1 NAME\\] sections" ;;
    *) echo "Keys of the \\[$1\\] section" ;;
  esac
}
# is_known KIND KEY: whether the program knows that key in such a section.
is_known() {
  {
    case $1 in
      global) ;;
      cloud | local) echo "[$1 it]" ;;
      *) echo "[$1]" ;;
    esac
    echo "$2 ="
  } >"$scratch/conf"
  ! { "$cemm" list --config "$scratch/conf" 2>&1 || true; } | grep 'unknown key' >/dev/null
}
kinds='global cloud local discovery archive'
all_keys=$(part "$conf_page" '.*section.*' | sed -n 's/^\.It Ic //p')
for kind in $kinds; do
  upper=${kind^^}
  keys=$(part "$conf_page" "$(section_of "$kind" | sed 's/\\\\/\\/g')" | sed -n 's/^\.It Ic //p')
  same "cemm.conf: keys of $kind" "$(grep -oE "\{$upper, \"[a-z-]+\"" common/config/config.c | grep -oE '[a-z-]{2,}')" "$keys"
  for key in $all_keys colour; do
    documented=no
    ! grep -qx -- "$key" <<<"$keys" || documented=yes
    known=no
    ! is_known "$kind" "$key" || known=yes
    [[ $documented == "$known" ]] || echo "$key: documented $documented, known $known"
  done >"$scratch/keys"
  is "cemm.conf: what $kind knows is what is documented" '' "$(<"$scratch/keys")"
done

# ---- collectd ---------------------------------------------------------------------------------------

# block NAME: prints the options that the page has for the block.
block() { part "$collectd_page" "<$1>" | sed -n 's/^\.It Ic \([A-Za-z]*\).*/\1/p'; }
table() { sed -n '/^} options\[\] = {/,/^};/p' plugin/collectd/config.c | sed -n "s/^    {\"\\([A-Za-z]*\\)\", .*\\b$1\\b.*/\\1/p"; }
same 'collectd: options of <Cloud>' "$(table CLOUD)" "$(block 'Cloud NAME')"
same 'collectd: options of <Local>' "$(table LOCAL)" "$(block 'Local NAME')"
same 'collectd: options of <Discovery>' "$(table DISCOVERY)" "$(block Discovery)"
same 'collectd: options of <Backfill>' "$(table BACKFILL)" "$(block Backfill)"
same 'collectd: options outside of blocks' "$(table GLOBAL)" "$(block 'Plugin cemm')"

# everything: prints all blocks with all documented options and one unknown option. collectd must
# complain only about the unknown option.
everything() {
  local name option
  echo '<Plugin cemm>'
  for option in $(block 'Plugin cemm') Colour; do echo "$option \"x\""; done
  for name in 'Cloud NAME' 'Local NAME' Discovery Backfill; do
    echo "<${name/NAME/\"it\"}>"
    for option in $(block "$name") Colour; do echo "$option \"x\""; done
    echo "</${name% NAME}>"
  done
  echo '</Plugin>'
}
if collectd=$(PATH=$PATH:/usr/sbin command -v collectd); then
  collectd_begin
  world=(env) # on this machine: the configuration is refused, so its networks are not searched
  conf "$scratch/all" <<<"$(everything)"
  run_collectd -T -C "$scratch/all/collectd.conf" >"$scratch/all/out" 2>&1 || true
  is 'the plugin knows what is documented, and nothing else' \
    '<Backfill>: Colour|<Cloud "it">: Colour|<Discovery>: Colour|<Local "it">: Colour|Colour' \
    "$(sed -n 's/.*cemm plugin: \(.*\): \(unknown option\|does not belong\).*/\1/p' "$scratch/all/log" "$scratch/all/out" |
      LC_ALL=C sort -u | paste -sd '|')"
else
  echo '# no collectd here: its plugin is not checked'
fi

finish
