#!/usr/bin/env bash
# readme.sh BUILD_DIR: follows README and the pages of recipes as a new user would. Their blocks of
# commands are run one after another, unchanged, by an ordinary user who has sudo, and services run as
# the users that the pages name. Then everything is removed as the pages say, and nothing may be left
# over. This runs in a temporary copy of this machine, in a network with only a simulated cloud and two
# simulated CEMMs. It takes minutes, because it also builds, installs and packages cemm.
#
# These changes are made: the address of the cloud is added to the configurations; the uid and the
# year of the plots are replaced; commands that never end are stopped. systemctl.py replaces systemd,
# which does not run in the copy, and a script replaces Telegraf, which Debian does not have.
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
for program in collectd dpkg-buildpackage gnuplot rsync getfattr influxd systemctl promtool victoria-metrics mosquitto mosquitto_sub; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || skip "$program is not installed"
done
net_begin

# ---- the blocks ------------------------------------------------------------------------------------

mkdir -p "$scratch/inside/blocks" "$scratch/inside/bin" "$scratch/inside/cemm"
# blocks ORDER PAGE TITLES: writes the blocks of the sections whose titles match to blocks/ORDER-1.sh,
# blocks/ORDER-2.sh and so on.
blocks() {
  awk -v to="$scratch/inside/blocks/$1" -v titles="^## ($3)\$" '
    /^## / { inside = $0 ~ titles }
    inside && /^```sh$/ { open = 1; file = sprintf("%s-%d.sh", to, ++n); next }
    /^```$/ { open = 0 }
    open { print > file }' "$top/$2"
}
everything_else='[^RI].*|R[^e].*|I[^n].*' # all sections except for "Remove" and "Instead of …"
blocks 10 README.md 'Your own meter'
blocks 20 examples/README.md "$everything_else"
blocks 30 examples/files.md "$everything_else"
blocks 40 examples/collectd/README.md "$everything_else"
blocks 50 examples/prometheus/README.md "$everything_else"
blocks 60 examples/influxdb.md "$everything_else"
blocks 65 examples/home-assistant/README.md "$everything_else"
blocks 66 examples/victoriametrics.md "$everything_else"
blocks 67 examples/home-assistant/mqtt.md "$everything_else"
blocks 68 examples/home-assistant/mqtt.md 'Instead of.*'
blocks 69 examples/home-assistant/mqtt.md Remove
blocks 70 examples/influxdb.md Remove
blocks 71 examples/prometheus/README.md Remove
blocks 72 examples/collectd/README.md Remove
blocks 73 examples/files.md Remove
blocks 74 examples/home-assistant/README.md Remove
blocks 75 examples/victoriametrics.md Remove
blocks 80 examples/files.md 'Instead of.*'
blocks 90 examples/README.md Remove
blocks 91 README.md 'Remove it'
pages=$(cd "$top" && git ls-files --cached --others --exclude-standard 'README.md' 'examples/*.md' | LC_ALL=C sort)
is 'no page of recipes is missing here' 'README.md examples/README.md examples/collectd/README.md examples/files.md examples/fleet/README.md examples/home-assistant/README.md examples/home-assistant/mqtt.md examples/influxdb.md examples/prometheus/README.md examples/victoriametrics.md' "$(paste -sd ' ' <<<"$pages")"
# README's own blocks, 10 and 91, are not counted, because they are not recipes.
is 'every block of the recipes is run' "$(cd "$top" && cat examples/*.md examples/*/*.md | grep -c '^```sh')" \
  "$(find "$scratch/inside/blocks" -name '[2-9]*' ! -name '91-*' | wc -l)"
# block WORDS: prints the name of the block that contains WORDS.
block() { (cd "$scratch/inside/blocks" && grep -lF -e "$1" -- *.sh) | head -n 1; }

# ---- a temporary machine -----------------------------------------------------------------------

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
# A separate /dev, for syslog's socket.
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for name in null zero full random urandom tty fuse; do
  touch "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mount --rbind /dev/pts "$root/dev/pts"
chmod 1777 "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$root/dev/${n#*:}"; done
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/tmp/inside"
mount --bind "$machine/../inside" "$root/tmp/inside"
exec env -i HOME=/root LANG=C.UTF-8 key="$2" url="$3" uid="$4" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  chroot "$root" bash /tmp/inside/all.sh
END
# The files that git ignores are not copied, so that this is like a fresh clone.
(cd "$top" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$scratch/inside/cemm")
cp "$here/systemctl.py" "$scratch/inside/bin/systemctl"
# A sudo that asks for no password: as-root is a setuid copy of setpriv.
cat >"$scratch/inside/bin/sudo" <<'END'
#!/bin/sh
exec /usr/local/lib/as-root --reuid=0 --regid=0 --clear-groups env -i HOME=/root LANG=C.UTF-8 \
  PATH=/tmp/inside/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
END
# Replaces Telegraf's [[inputs.execd]]: starts the command, sends lines, reads lines.
cat >"$scratch/inside/bin/telegraf" <<'END'
#!/usr/bin/env python3
import glob, os, subprocess, time, tomllib
children = [
    subprocess.Popen(block["command"], stdin=subprocess.PIPE, bufsize=0)
    for file in glob.glob("/etc/telegraf/telegraf.d/*.conf")
    for block in tomllib.load(open(file, "rb"))["inputs"]["execd"]
]
for child in children:
    child.stdin.write(b"\n")
print("telegraf", os.getuid(), flush=True)
time.sleep(1e6)
END
# Replaces rsyslogd, for messages to /dev/log.
cat >"$scratch/inside/bin/syslog" <<'END'
#!/usr/bin/env python3
import os, socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
os.chmod("/dev/log", 0o666)
while True:
    print(log.recv(65536).decode(errors="replace").rstrip("\n\0"), flush=True)
END
chmod +x "$scratch"/inside/bin/*
for file in "$scratch"/inside/blocks/*; do
  sed -i -e 's/^cemm stream \(.*\) |$/{ timeout 5 cemm stream \1 || [ $? = 124 ]; } |/' \
    -e 's/^cemm stream .*/timeout 5 cemm stream || [ $? = 124 ]/' -e "s/^uid=00-1E.*/uid=$uid/" -e "s|/2025/|/$(TZ=Europe/Amsterdam date +%Y)/|" \
    -e "s/--from 2025-[-0-9]* --to 2025-[-0-9]*/--from $(date -d '-30 days' +%F) --to $(date -d '-2 days' +%F)/" \
    -e "s|^\\( *\\)ApiKeyFile.*|&\\n\\1URL \"$sim_cloud\"|" -e 's/^\(sudo apt [a-z]*\) /\1 --yes /' -e 's/ HOST$/ inside/' "$file"
done
cat >"$scratch/inside/all.sh" <<'END'
# as USER COMMAND…: runs the command as in a login, or as cron would.
as() {
  local user=$1
  shift
  setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups env -i "HOME=$(getent passwd "$user" | cut -d : -f 6)" \
    "USER=$user" LANG=C.UTF-8 PATH=/tmp/inside/bin:/usr/local/bin:/usr/bin:/bin "$@"
}
cd /tmp/inside/cemm || exit
rm -rf /root/.config/cemm /etc/cemm /var/lib/cemm
cp /usr/bin/setpriv /usr/local/lib/as-root
chmod 4755 /usr/local/lib/as-root
useradd --create-home owner
as owner mkdir -p /home/owner/.config /home/owner/.local/share
useradd --system --home-dir /etc/telegraf telegraf
chown -R owner: /tmp/inside/cemm
# The configuration of Debian's collectd, which logs to syslog. csv is added to show the values.
mkdir -p /etc/collectd/collectd.conf.d /etc/telegraf/telegraf.d /etc/systemd/system /var/lib/telegraf
cat >/etc/collectd/collectd.conf <<CONF
Hostname "inside"
FQDNLookup false
Interval 1
LoadPlugin syslog
LoadPlugin csv
<Plugin csv>
  DataDir "/tmp/inside/csv"
</Plugin>
<Include "/etc/collectd/collectd.conf.d">
  Filter "*.conf"
</Include>
CONF
printf '[Service]\nType=exec\nUser=telegraf\nExecStart=/tmp/inside/bin/telegraf\n' >/lib/systemd/system/telegraf.service
/tmp/inside/bin/syslog >/tmp/inside/syslog &
mkdir /tmp/influxdb
cat >/tmp/influxdb/conf <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
  dir = "/tmp/influxdb/meta"
[data]
  dir = "/tmp/influxdb/data"
  wal-dir = "/tmp/influxdb/wal"
[http]
  bind-address = "127.0.0.1:8086"
CONF
influxd -config /tmp/influxdb/conf >/tmp/inside/influxd.log 2>&1 &
victoria-metrics -storageDataPath=/tmp/victoriametrics -httpListenAddr=127.0.0.1:8428 -retentionPeriod=100y \
  -dedup.minScrapeInterval=1ms >/tmp/inside/victoriametrics.log 2>&1 &
mosquitto >/tmp/inside/mosquitto.log 2>&1 &
for ((i = 0; i < 600; i++)); do
  curl -sf http://localhost:8086/ping && curl -sf http://localhost:8428/health && mosquitto_pub -t test -n && break
  sleep 0.5
done

# prepare: writes the key where README says so, and the simulator's address.
prepare() {
  local file
  file=/home/owner/.config/cemm/home.key
  if [ -e "$file" ] && [ ! -s "$file" ]; then echo "$key" >"$file"; fi
  for file in /home/owner/.config/cemm/cemm.conf /etc/cemm/cemm.conf; do
    if grep -qs '^\[cloud' "$file" && ! grep -q '^url' "$file"; then echo "url = $url" >>"$file"; fi
  done
}
# wait_for COMMAND…: repeats the command until it succeeds, for some minutes.
wait_for() {
  local i
  for ((i = 0; i < 600; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.5; done
  return 1
}
# after BLOCK: uses what a block has set up, as the users that the recipes name. Keeps the output, which
# is checked at the end.
after() {
  case $(<"$1") in
    *'sudo mount /cemm'*)
      as nobody cat "/cemm/$uid/p1/realtime/electric_power" >/tmp/inside/nobody.out 2>&1 ;;
    *'/etc/cron.d/cemm-copy'*)
      [ ! -e /etc/cron.d/cemm-copy ] || {
        read -r -a words < <(grep -v '^#' /etc/cron.d/cemm-copy)
        as "${words[5]}" sh -c "${words[*]:6}" >/tmp/inside/cron.out 2>&1
        echo $? >>/tmp/inside/cron.out
        find /srv/energy -type f -name '*.csv' | wc -l >/tmp/inside/copied.out
      } ;;
    *'tee /etc/collectd/collectd.conf.d/cemm.conf'*)
      wait_for compgen -G '/tmp/inside/csv/inside/cemm-*/power-p1-*'
      ls -d /tmp/inside/csv/inside/cemm-*/power-p1-* >/tmp/inside/plugin.out 2>&1
      mv /etc/cemm/home.key /etc/cemm/away.key
      collectd -T >/tmp/inside/collectd-T.out 2>&1
      echo "code $?" >>/tmp/inside/collectd-T.out
      mv /etc/cemm/away.key /etc/cemm/home.key ;;
    *useradd*cemm-exec*)
      # The plugin must not run at the same time, as the page says.
      mv /etc/collectd/collectd.conf.d/cemm.conf /etc/collectd/
      systemctl.py restart collectd
      rm -r /tmp/inside/csv
      wait_for compgen -G '/tmp/inside/csv/inside/cemm-*/power-p1-*'
      ls -d /tmp/inside/csv/inside/cemm-*/power-p1-* >/tmp/inside/exec.out 2>&1
      mv /etc/collectd/cemm.conf /etc/collectd/collectd.conf.d/ ;;
    *'enable --now cemm-textfile.timer'*) cp /var/lib/prometheus/node-exporter/cemm.prom /tmp/inside/textfile.out ;;
    *'enable --now cemm-stream'*)
      wait_for test -s /run/cemm-stream/cemm.prom
      as prometheus cat /run/cemm-stream/cemm.prom >/tmp/inside/stream.out 2>&1 ;;
    *'restart telegraf'*)
      [ ! -e /etc/telegraf/telegraf.d/cemm.conf ] || {
        wait_for grep -q ^cemm, /tmp/inside/telegraf.log
        cp /tmp/inside/telegraf.log /tmp/inside/telegraf.out
      } ;;
    *'CREATE DATABASE'*)
      curl -sG http://localhost:8086/query --data-urlencode db=cemm --data-urlencode 'q=SELECT count(*) FROM cemm' >/tmp/inside/influxdb.out
      echo 'cemm x=1' | split --filter="$(sed -n "s/.*--filter='\(.*\)'/\1/p" "$1" | sed 's/db=cemm/db=none/')" >/tmp/inside/refused.out 2>&1 ;;
    *8428/write*)
      curl -s http://localhost:8428/internal/force_flush
      curl -sG http://localhost:8428/api/v1/export --data-urlencode 'match[]={uid!=""}' >/tmp/inside/victoriametrics.json ;;
    *'enable --now cemm-mqtt'* | *'discovery.sh collectd'*)
      topic='cemm/+/p1/electric_power'
      [ "${1##*/68-*}" ] || topic='collectd/inside/+/power-p1-electric_power'
      wait_for mosquitto_sub -t "$topic" -C 1 -W 5
      { mosquitto_sub -t "$topic" -t '+/status' -W 2 -v; mosquitto_sub -t 'homeassistant/#' -F %t -W 2; } >"$1.mqtt" ;;
    *'format home-assistant'*) cat cemm-energy.csv cemm-first.csv >/tmp/inside/home-assistant.out 2>&1 ;;
    *'enable --now cemmfs'*) as nobody cat "/cemm/$uid/p1/realtime/electric_power" >/tmp/inside/service.out 2>&1 ;;
  esac
}
ln -s /tmp/inside/bin/systemctl /usr/local/bin/systemctl.py
# everything: prints the state of the system: the names of files, and the content of the files to which
# the recipes add lines.
everything() {
  ls -d /*
  find /etc /home /opt /root /srv /usr /var \( -name .cache -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt \
    -o -path '/etc/systemd/system/*.wants' -o -path '/etc/*-' -o -name __pycache__ \) -prune -o -print
  cat /etc/fstab
  cut -d : -f 1 /etc/passwd
}
everything | LC_ALL=C sort >/tmp/inside/before
for block in /tmp/inside/blocks/*.sh; do
  # Every command of a block must succeed, not only the last one.
  as owner bash -eo pipefail "$block" >"$block.out" 2>&1 </dev/null
  echo $? >"$block.code"
  prepare
  after "$block"
done
everything | LC_ALL=C sort >/tmp/inside/afterwards
echo >/tmp/inside/done
END
# README's configuration has Amsterdam's time zone, where the day may begin at another time than here.
yesterday() { TZ=Europe/Amsterdam date -d yesterday +%F; }
days=$(yesterday)
"${asker[@]}" unshare --mount --pid --fork --kill-child bash "$scratch/enter.sh" "$machine" "$sim_key" "$sim_cloud" "$uid" >"$scratch/enter.log" 2>&1 &
inside_pid=$!
started "$inside_pid"
wait "$inside_pid" || not_ok 'the copy of the machine runs to its end' "$(<"$scratch/enter.log")"
if [[ ! -e $scratch/inside/done ]]; then
  not_ok 'the copy was started' "$(<"$scratch/enter.log")"
  finish
fi

# ---- the results ---------------------------------------------------------------------------------

for file in "$scratch"/inside/blocks/*.sh; do
  what="${file##*/}: $(head -n 1 "$file")"
  if [[ $(cat "$file.code" 2>/dev/null) == 0 ]]; then ok "$what"; else not_ok "$what" "$(tail -n 11 "$file.out")"; fi
done
inside() { cat "$scratch/inside/$1" 2>&1 || true; }
# output_of WORDS: prints the output of the block that contains WORDS.
output_of() { inside "blocks/$(block "$1").out"; }
is_power() { grep -qxE -e '-?[0-9.]+' <<<"$1"; }
has 'cemm discover finds both' "$(output_of 'cemm discover')" '00-1E-C0-00-00-02  10.77.0.12'
has 'the meters are listed, from the LAN and from the cloud' "$(output_of 'cemm list')" "$uid"
has 'the meters are read' "$(output_of 'cemm list')" 'electric_power='
check 'a day is a file' grep -qE "(^|csv:)($days|$(yesterday))T12:" <<<"$(output_of 'cemm list')"
check 'the mount of fstab: another user reads it' is_power "$(inside nobody.out)"
check 'the copy has the days of both devices' test "$(find "$scratch/inside" -name copied.out -exec cat {} +)" -gt 200
is 'cron: the user backup copies without a message' 0 "$(inside cron.out)"
check 'collectd -T without a key file fails' grep -qx 'code [1-9][0-9]*' <<<"$(inside collectd-T.out)"
hasnt 'collectd -T: the reason is not at the terminal' "$(inside collectd-T.out)" 'home.key'
has 'collectd -T: the reason is in syslog' "$(inside syslog)" 'home.key'
check 'the plugin has values' grep -q power-p1-electric_power <<<"$(inside plugin.out)"
check 'the exec plugin has values' grep -q power-p1-electric_power <<<"$(inside exec.out)"
has 'the timer: the textfile has the meters' "$(inside textfile.out)" 'cemm_up{'
check 'promtool accepts the textfile' promtool check metrics <<<"$(inside textfile.out)"
has 'cemm-stream: the user prometheus can read the meters' "$(inside stream.out)" 'cemm_up{'
is 'Telegraf runs as the user telegraf' telegraf "$(inside telegraf.out | awk '$1 == "telegraf" && $2 > 0 { print $1 }')"
has 'the command that Telegraf runs prints lines' "$(inside telegraf.out)" "cemm,uid=$uid,alias=p1"
has 'InfluxDB has the history' "$(inside influxdb.out)" '"count_electric_power"'
has 'a refusal of InfluxDB is reported' "$(inside refused.out)" 'database not found'
has 'Home Assistant gets hours' "$(inside home-assistant.out)" 'p1_import,'
has 'Home Assistant gets a first row' "$(inside home-assistant.out)" '_p1_import,01.01.2010 00:00,kWh,0,0'
has 'VictoriaMetrics has the history' "$(inside victoriametrics.json)" '"__name__":"cemm_electric_power"'
has 'the broker has a sample' "$(inside blocks/67-1.sh.mqtt)" '"channel": "electric_power"'
has 'the broker says that the publisher is online' "$(inside blocks/67-1.sh.mqtt)" 'cemm/status online'
has 'the publisher announces its sensors to Home Assistant' "$(inside blocks/67-1.sh.mqtt)" "homeassistant/sensor/cemm/${uid}_p1_t1/config"
has 'the broker has a sample from collectd' "$(inside blocks/68-1.sh.mqtt)" "collectd/inside/cemm-$uid/power-p1-electric_power"
check 'the service of cemmfs: another user reads the mount' is_power "$(inside service.out)"
is 'four plots' 4 "$(find "$scratch/inside/cemm" -maxdepth 1 -name '*.png' | wc -l)"
is 'everything is removed' '' "$(diff "$scratch/inside/before" "$scratch/inside/afterwards" | grep '^[<>]' || true)"
hasnt 'the key is in no message' "$(cat "$scratch"/inside/*.out "$scratch"/inside/*.log "$scratch"/inside/blocks/*.out "$scratch/inside/syslog")" "$sim_key"
finish
