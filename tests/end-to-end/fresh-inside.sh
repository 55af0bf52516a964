# shellcheck shell=bash
# fresh-inside.sh PART: fresh.sh runs this in a fresh root directory, as the first process and as root.
# Each check writes a line to /checks: ok or no, a tab, its name and, if it failed, a tab and the
# reason. The last line of output of a part goes to /last.
set -uo pipefail
log=/home/user/log

# verdict STATUS WHAT [WHY]: writes the line of a check.
verdict() {
  local word=ok why=${3-}
  [[ $1 -eq 0 ]] || word=no
  printf '%s\t%s\t%s\n' "$word" "$2" "${why//$'\n'/\\n}" >>/checks
}
# check WHAT COMMAND…: ok if the command succeeds; otherwise its output is the reason.
check() {
  local what=$1 output status=0
  shift
  output=$("$@" 2>&1 | tail -n 10) || status=$?
  verdict "$status" "$what" "$output"
}
# empty WHAT TEXT: ok if TEXT is empty.
empty() {
  [[ -z $2 ]]
  verdict $? "$1" "$2"
}
# reached WHAT COMMAND…: waits until the command succeeds. After ten minutes, the check WHAT fails.
reached() {
  local what=$1 end=$((SECONDS + 600))
  shift
  until "$@"; do
    if ((SECONDS >= end)); then
      verdict 1 "$what" "$(tail -n 10 "$log")"
      return 1
    fi
    sleep 0.05
  done
}

# as_user COMMAND: runs the command as the user in the clone, with the environment of a login. Its pid
# is in /home/user/pid.
as_user() {
  su --login user --command "echo \$\$ >pid; cd cemm; exec $1"
}
# installs COMMAND…: runs the command in the background, with an empty package cache.
installs() {
  apt-get clean
  rm -f /home/user/pid "$log"
  "$@" &
  child=$!
}
killed() { # SIGNAL
  reached 'it has started' test -s /home/user/pid && kill -s "$1" "$(</home/user/pid)"
}
quiet_user() { as_user "$1" >"$log" 2>&1 </dev/null; }
# at_terminal COMMAND: runs the command as the user, at a terminal of 80 columns. Its input is what is
# written to /keys.
at_terminal() {
  as_user "script --quiet --flush --return --command 'stty cols 80 rows 24; TERM=xterm exec $1' ~/log" </keys >/dev/null 2>&1
}
rm -f /keys && mkfifo /keys && exec {keys}<>/keys

typed() { # KEYS
  printf '%b' "$1" >&"$keys"
}
# output_has PATTERN: whether the output matches.
output_has() { grep -qsE -- "$1" "$log"; }

packages() { dpkg-query -W -f '${Package} ${db:Status-Status}\n'; }
working() { # whether an installation is running
  lslocks --noheadings --output PATH | grep -E '/var/lib/(dpkg|apt)/|/var/cache/apt/'
  ps_names | grep -xE 'apt|apt-get|dpkg|http|sudo'
}
ps_names() { cat /proc/[0-9]*/comm 2>/dev/null; }

# clean WHAT: checks that nothing of an installation is left over except the packages.
clean() {
  reached "$1: it ends" not_working
  check "$1: no policy-rc.d" test ! -e /usr/sbin/policy-rc.d
  empty "$1: no package is half installed" "$(dpkg --audit; dpkg --configure --pending --dry-run --no-act 2>&1)"
}
not_working() { [[ -z $(working) ]]; }
no_more_than() { # FILE: whether only the packages that the file names are installed
  diff "$1" <(packages)
}
# nothing_left: checks that no temporary file, no process and no mount is left over.
nothing_left() {
  empty 'nothing stays in /tmp' "$(ls -A /tmp)"
  empty 'no process stays' "$(ps_names | grep -xE 'cemm.*|collectd|ninja|meson')"
  empty 'nothing is mounted' "$(grep -i fuse /proc/mounts)"
}

# ---- the parts -----------------------------------------------------------------------------------

part_demo() {
  as_user 'examples/demo.sh' >"$log" 2>&1 <&-
  verdict $? 'it passes with standard input closed' "$(tail -n 10 "$log")"
  tail -n 1 "$log" >/last
  empty 'no escape codes, where there is no terminal' "$(grep -n $'\e' "$log")"
  check 'collectd, in /usr/sbin, has values' output_has '^[0-9]{10}\.[0-9]{3},'
  clean 'installing'
  nothing_left
  chmod 600 /dev/fuse
  ! quiet_user 'examples/demo.sh --no-install'
  verdict $? 'it fails where nothing can be mounted'
  check 'it says that it needs /dev/fuse' output_has '/dev/fuse'
  nothing_left
}

part_terminal() {
  local child=
  installs at_terminal 'examples/demo.sh'
  reached 'sudo asks for the password' output_has 'password for user' && typed 'secret\n'
  wait "$child"
  verdict $? 'it passes at a terminal' "$(tail -n 10 "$log")"
  # Keeps the lines after "== Building", as the terminal displays them.
  sed -E "1,/== Building/d; s/"$'\e'"\[[0-9;]*[mK]//g; s/\r\$//; s/.*\r//; /^Script done/d; /^\$/d" "$log" >/shown
  tail -n 1 /shown >/last
  empty 'no line is longer than 80 characters' "$(grep -E '.{81}' /shown)"
  nothing_left
}

# slow_mirror: limits the speed of downloads, so that they can be interrupted.
slow_mirror() { echo 'Acquire::http::Dl-Limit "200";' >/etc/apt/apt.conf.d/99slow; }
full_speed() { rm -f /etc/apt/apt.conf.d/99slow; }
downloading() { compgen -G '/var/cache/apt/archives/partial/*.deb' >/dev/null; }

part_install() {
  # With this priority, debconf would ask every question. dpkg would ask about the file.
  echo 'debconf debconf/priority select low' | debconf-set-selections
  echo '# mine' >/etc/default/collectd
  local child=
  packages >/packages

  apt-get update >/dev/null 2>&1
  slow_mirror
  installs at_terminal '.ci/install owner'
  reached 'owner: it downloads' downloading && typed '\003'
  ! wait "$child"
  verdict $? 'interrupted while it downloads: it fails' "$(tail -n 10 "$log")"
  check 'interrupted while it downloads: it says so' output_has 'nothing was installed'
  clean 'interrupted while it downloads'
  check 'interrupted while it downloads: nothing is installed' no_more_than /packages

  installs quiet_user '.ci/install owner'
  reached 'owner: it downloads again' downloading && killed KILL
  wait "$child"
  clean 'killed while it downloads'
  check 'killed while it downloads: nothing is installed' no_more_than /packages
  full_speed

  installs quiet_user '.ci/install owner'
  reached 'owner: it unpacks' output_has '^Unpacking' && killed TERM
  wait "$child"
  [[ $? -eq 143 ]]
  verdict $? 'terminated while it unpacks: it fails' "$(tail -n 10 "$log")"
  clean 'terminated while it unpacks'
  packages >/packages
  check 'owner: the next run succeeds' quiet_user '.ci/install owner'
  check 'terminated while it unpacks: all was installed' no_more_than /packages
  check 'owner: the product can be built, installed and run' quiet_user "sh -ec '
    meson setup ../build --prefix=/usr --libdir=lib -Dtests=false
    meson compile -C ../build
    sudo meson install -C ../build
    cemm --version
    sudo rm -r ../build'"

  installs quiet_user '.ci/install demo'
  reached 'demo: it unpacks' output_has '^Unpacking' && killed KILL
  wait "$child"
  clean 'killed while it unpacks'
  packages >/packages
  check 'demo: the next run succeeds' quiet_user '.ci/install demo'
  check 'killed while it unpacks: all was installed' no_more_than /packages

  installs quiet_user '.ci/install tests'
  reached 'tests: it unpacks' many_unpacked && kill -KILL -1 # all processes in here except this one
  wait "$child"
  reached 'all killed while it unpacks: they end' not_working
  quiet_user '.ci/install tests'
  verdict $? 'all killed while it unpacks: the next run installs the rest' "$(tail -n 10 "$log")"
  tail -n 1 "$log" >/last
  clean 'all killed while it unpacks'
  packages >/packages
  quiet_user '.ci/install'
  verdict $? 'tests: a second time' "$(<"$log")"
  empty 'there is nothing to do' "$(<"$log")"
  check 'all killed while it unpacks: all was installed' no_more_than /packages

  check 'a file that was there before stays' grep -qx '# mine' /etc/default/collectd
  services
  libraries
}
many_unpacked() { (($(grep -c '^Unpacking' "$log") > 50)); }

# services: checks that the system starts no service that tests start themselves.
services() {
  local unit
  for unit in collectd carbon-cache epmd influxdb mosquitto prometheus prometheus-node-exporter rabbitmq-server rsync \
    victoria-metrics; do
    [[ $(systemctl --root=/ is-enabled "$unit" 2>&1) == disabled ]]
    verdict $? "$unit is not enabled" "$(systemctl --root=/ is-enabled "$unit" 2>&1)"
    empty "$unit is not started by init" "$(compgen -G "/etc/rc?.d/S??$unit")"
  done
  empty 'nothing listens' "$(ss --no-header --listening --tcp --udp --processes | grep users:)"
}

# libraries: checks that all programs of the listed packages, and collectd's plugins that examples and
# tests load, find their libraries.
libraries() {
  local file name plugins
  plugins=$(cd /home/user/cemm && grep -rhoP '^\s*LoadPlugin "?\K\w+' examples tests README.md | sort -u)
  while read -r name; do dpkg -L "$name" 2>/dev/null | grep -E '/s?bin/'; done \
    < <(grep -vE '^(#|\[|$)' /home/user/cemm/.ci/packages | tr -d ' ' | tr '|' '\n') >/files
  for name in $plugins; do
    [[ $name =~ ^(cemm|sink|source)$ ]] || echo "/usr/lib/collectd/$name.so" >>/files # those are ours
  done
  check 'there are programs and plugins' test "$(wc -l </files)" -gt 100
  empty 'every program and plugin finds its libraries' \
    "$(while read -r file; do ldd "$file" 2>&1 | sed -nE "s|.*not found.*|$file: &|p; s|.*No such file.*|&|p"; done </files)"
}

part_tests() {
  quiet_user 'tests/run.sh'
  verdict $? 'tests/run.sh passes for a user' "$(sed -n '/^FAIL/,$p' "$log")"
  tail -n 1 "$log" >/last
  nothing_left
}

"part_$1"
