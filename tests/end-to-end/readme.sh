#!/usr/bin/env bash
# readme.sh BUILD_DIR: README as a newcomer reads it. Its blocks of commands, from "Your own meter" to
# the end of "Recipes", are run one after another as they stand there, on a copy of this machine that
# is thrown away, in a network with a simulated cloud and two CEMMs and nothing else. Takes minutes: it
# builds, installs, and makes and installs the packages.
#
# Changed are only: the address of the cloud, which is added to what the blocks write; the uid and the
# year of the plots; what would run for ever; and systemctl, as there is no systemd in there.
# shellcheck disable=SC2154,SC2317 # variables of the libraries; functions are called by check
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/end-to-end/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/end-to-end/netns.sh
. "$here/netns.sh"
begin "$@"
top=$(cd "$here/../.." && pwd)
[[ $(id -u) -eq 0 ]] || skip 'only root can make a copy of the machine'
for program in collectd dpkg-buildpackage gnuplot rsync getfattr; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "$program is not installed"
done
net_begin

# ---- README's blocks -----------------------------------------------------------------------------

# LANGUAGE (sh, toml, or none for collectd's) and number: blocks/12.sh
mkdir "$scratch/blocks"
awk -v to="$scratch/blocks" '
  /^## / { inside = /^## (Your own meter|Recipes)/ }
  !inside { next }
  /^```/ && !open { open = 1; file = sprintf("%s/%02d.%s", to, ++n, substr($0, 4) == "" ? "text" : substr($0, 4)); next }
  /^```/ { open = 0; next }
  open { print > file }' "$top/README.md"
is 'README has blocks of commands' yes "$( (($(find "$scratch/blocks" -name '*.sh' | wc -l) >= 10)) && echo yes)"
# block WORDS: the file of the one that holds them.
block() { grep -lF -e "$1" "$scratch"/blocks/* | head -n 1; }
# As ten years of it want an InfluxDB; collectors.sh and history.sh have that.
rm "$(block 8086/write)"

# ---- a machine to throw away -----------------------------------------------------------------------

start_sim_in_site --devices 2 --lan-bind 10.77.0.11,10.77.0.12 --discovery --since "$(date -d '-40 days' +%F)"
start_sim_in_asker --devices 2 --since "$(date -d '-40 days' +%F)"
uid=00-1E-C0-00-00-01
machine=$scratch/machine
mkdir "$machine"
cat >"$scratch/enter.sh" <<'END'
set -e
machine=$1
mount -t tmpfs -o size=4g tmpfs "$machine"
mkdir "$machine/upper" "$machine/work" "$machine/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/work" "$machine/root"
root=$machine/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/tmp/inside"
mount --bind "$machine/../inside" "$root/tmp/inside"
exec env -i HOME=/root LANG=C.UTF-8 PATH=/tmp/inside/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" bash /tmp/inside/all.sh
END
mkdir -p "$scratch/inside/bin" "$scratch/inside/cemm"
# Not what git ignores: a fresh clone.
(cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$scratch/inside/cemm")
printf '#!/bin/sh\nexec "$@"\n' >"$scratch/inside/bin/sudo"
printf '#!/bin/sh\necho "systemctl $*"\n' >"$scratch/inside/bin/systemctl"
chmod +x "$scratch"/inside/bin/*
for file in "$scratch"/blocks/*; do
  sed -e 's/^cemm stream .*/timeout 5 cemm stream || [ $? = 124 ]/' -e "s/^uid=00-1E.*/uid=$uid/" -e "s|/2025/|/$(TZ=Europe/Amsterdam date +%Y)/|" \
    -e 's/^\(sudo apt install\) /\1 --yes /' "$file" >"$scratch/inside/${file##*/}"
done
{
  echo "key=$sim_key url=$sim_cloud"
  cat <<'END'
cd /tmp/inside/cemm || exit
rm -rf /root/.config/cemm /etc/cemm /var/lib/cemm
# It has a key when README says that it is to be written there, and the simulator's address.
prepare() {
  local file
  for file in /root/.config/cemm/home.key /etc/cemm/home.key; do [ ! -e "$file" ] || echo "$key" >"$file"; done
  for file in /root/.config/cemm/cemm.conf /etc/cemm/cemm.conf; do
    if grep -qs '^\[cloud' "$file" && ! grep -q '^url' "$file"; then echo "url = $url" >>"$file"; fi
  done
}
for block in /tmp/inside/*.sh; do
  [ "$block" != /tmp/inside/all.sh ] || continue
  # The last command of a block is not the only one that counts.
  bash -eo pipefail "$block" >"$block.out" 2>&1 </dev/null
  echo $? >"$block.code"
  prepare
done
# What the blocks that are no commands are for.
mkdir -p /etc/collectd
{ echo 'Hostname "inside"'; echo 'BaseDir "/tmp"'; echo 'LoadPlugin logfile'; printf '<Plugin logfile>\n  File "/tmp/inside/collectd.log"\n</Plugin>\n'
  sed "s|ApiKeyFile.*|&\n    URL \"$url\"|" "$(grep -l LoadPlugin /tmp/inside/*.text)"; } >/etc/collectd/collectd.conf
collectd -T >/tmp/inside/collectd.out 2>&1
echo $? >/tmp/inside/collectd.code
python3 -c '
import sys, tomllib
for word in tomllib.load(open(sys.argv[1], "rb"))["inputs"]["execd"][0]["command"]: print(word)' /tmp/inside/*.toml >/tmp/words
mapfile -t words </tmp/words
echo | "${words[@]}" >/tmp/inside/telegraf.out 2>&1
setpriv --reuid 65534 --regid 65534 --clear-groups cat "/cemm/00-1E-C0-00-00-01/p1/realtime/electric_power" >/tmp/inside/nobody.out 2>&1
mkdir -p /var/lib/prometheus/node-exporter
prometheus-textfile.sh >/tmp/inside/textfile.out 2>&1
cp /var/lib/prometheus/node-exporter/cemm.prom /tmp/inside/
find backup -type f -name '*.csv' | wc -l >/tmp/inside/backup.out
ls -l *.png >/tmp/inside/plots.out
fusermount3 -u /root/meters
umount /cemm
END
} >"$scratch/inside/all.sh"
# README's configuration is of Amsterdam, where the day begins before it does here.
yesterday() { TZ=Europe/Amsterdam date -d yesterday +%F; }
days=$(yesterday)
"${asker[@]}" unshare --mount --pid --fork --kill-child bash "$scratch/enter.sh" "$machine" >"$scratch/enter.log" 2>&1 &
inside_pid=$!
started "$inside_pid"
wait "$inside_pid" || not_ok 'the machine' "$(<"$scratch/enter.log")"
if [[ ! -e $scratch/inside/backup.out ]]; then
  not_ok 'it was entered' "$(<"$scratch/enter.log")"
  finish
fi

# ---- what came of it ---------------------------------------------------------------------------------

for file in "$scratch"/inside/*.sh; do
  name=${file##*/}
  [[ $name != all.sh ]] || continue
  if [[ $(cat "$file.code" 2>/dev/null) == 0 ]]; then
    ok "README: $(head -n 1 "$file")"
  else
    not_ok "README: $(head -n 1 "$file")" "$(tail -n 11 "$file.out")"
  fi
done
# said WORDS: what the block that holds them printed.
said() { cat "$scratch/inside/$(basename "$(block "$1")").out"; }
inside() { cat "$scratch/inside/$1"; }
has 'cemm discover finds both' "$(said 'cemm discover')" '00-1E-C0-00-00-02  10.77.0.12'
has 'the meters are listed, from the LAN and from the cloud' "$(said 'cemm list')" "$uid"
has 'and read' "$(said 'cemm list')" 'electric_power='
check 'a day is a file' grep -qE "^($days|$(yesterday))T12:" <<<"$(said 'cemm list')"
is 'another user reads the mount' 1 "$(inside nobody.out | grep -cE '^-?[0-9.]+$')"
is 'collectd -T takes the block' 0 "$(inside collectd.code)"
has 'and loads the plugin' "$(inside collectd.log)" 'plugin "cemm" successfully loaded'
has 'the command of Telegraf gives lines' "$(inside telegraf.out)" "cemm,uid=$uid,alias=p1"
has 'the textfile has the meters' "$(inside cemm.prom)" 'cemm_up{'
has 'the timer would be started' "$(said 'systemctl enable --now cemm-textfile')" 'systemctl enable --now cemm-textfile.timer'
check 'the copy has the days of both devices' test "$(inside backup.out)" -gt 200
is 'two plots' 2 "$(grep -c '\.png$' <<<"$(inside plots.out)")"
hasnt 'the key is in no word' "$(cat "$scratch"/inside/*.out)" "$sim_key"
finish
