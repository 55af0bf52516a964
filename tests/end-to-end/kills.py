"""Kills the programs with SIGKILL at random moments, and checks the files that they leave.

kills.py BUILD_DIR SCRATCH CLOUD SINCE COUNT SEED [COLLECTD]; the key is in $SIM_KEY. Prints one line for
each error, and exits with 1 if there is one. cemmfs and `cemm history` fill their own archives, `cemm
stream` and collectd (if it is installed) have state files; each is killed COUNT / 4 times (processes that
have already ended do not count).

Archive: each file has the bytes of the cloud. Samples that were sent (stdout of stream, collectd's csv) and
the state file: nothing is missing at the end, and only samples of the last write before a kill may
come twice.
"""

import collections
import concurrent.futures
import datetime
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import expected

# How many samples can be sent but not recorded when the kill comes. stream: 16 missed minutes, less
# than 1 KiB of samples before them, and an answer of eight values. collectd: it records up to 64 values
# together, and its csv writer has live ones between them.
STREAM_PIECE = 48
COLLECTD_PIECE = 64 + 8
STATE = re.compile(r"[^\t]*\t[0-9A-F-]{17}\t[\w.-]+\t[\w.-]+\t((\d+\+\d+|@\d+|/\d+)( |$))*")
FRESH = 0.08  # the share of runs that begin without a state file
WINDOW = 86400  # seconds before now that stream and collectd send at first
SHORT = 100  # with fewer kills, the test is short, and collectd has a twelfth of this window
WAIT_MAX = 120
OLD = 150  # seconds: older samples were sent as history
FAULTS_MAX = 20  # enough to show the problem

build, scratch, cloud, since = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
count, seed = int(sys.argv[5]), int(sys.argv[6])
collectd = sys.argv[7] if len(sys.argv) > 7 else None
key = os.environ["SIM_KEY"]
first_day = datetime.date.fromisoformat(since)
uids = ("00-1E-C0-00-00-01", "00-1E-C0-00-00-02")
faults = 0
children = set()
lock = threading.Lock()


def fault(words):
    global faults
    with lock:
        faults += 1
        print(words, flush=True)


def note(words):
    with lock:
        print("# " + words, flush=True)


class Victim:
    """A program, its directory, and its own random numbers."""

    def __init__(self, name):
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.dir = scratch / name
        self.dir.mkdir()
        self.config = self.dir / "cemm.conf"
        self.archive = self.dir / "archive"
        keyfile = self.dir / "key"
        keyfile.touch(0o600)
        keyfile.write_text(key + "\n")
        self.config.write_text(
            "time-zone = Europe/Amsterdam\n[discovery]\nenabled = no\n"
            f"[archive]\ndirectory = {self.archive}\n[cloud home]\nurl = {cloud}\napi-key-file = {keyfile}\n"
        )
        self.ended = self.killed = 0

    def start(self, *command, **more):
        log = open(self.dir / "log", "ab")
        process = subprocess.Popen([str(word) for word in command], stderr=log, **{"stdout": log, **more})
        children.add(process)
        return process

    def kill(self, process, most, number=signal.SIGKILL):
        """Kills it at a random moment of the first `most` seconds, unless it has ended by then. `most` doubles
        with each kill until this victim has done something: on a busy machine it may start slowly."""
        if not self.seen():
            most *= 2 ** min(self.killed, 6)
        try:
            process.wait(self.random.uniform(0, most))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        status = process.wait()
        children.discard(process)
        if status == -signal.SIGKILL:
            self.killed += 1
        elif status in (0, -number):
            self.ended += 1
        else:
            fault(f"{self.name}: ended with {status}: {(self.dir / 'log').read_text()[-500:]}")

    def run(self):
        try:
            self.run_all()
        except (OSError, subprocess.SubprocessError, RuntimeError, ValueError) as error:
            fault(f"{self.name}: {error!r}, line {[frame.lineno for frame in traceback.extract_tb(error.__traceback__)]}")

    def run_all(self):
        """Runs and kills the program often enough, and until there was something to check."""
        while self.killed < count // 4 or (self.killed < count and not self.seen()):
            self.once()
            if faults > FAULTS_MAX or self.ended > count:
                break
        self.end()
        if not self.killed or not self.seen():
            fault(f"{self.name}: nothing was killed, or nothing was checked")
        note(f"{self.name}: killed {self.killed} times, too late {self.ended} times; {self.figures()}")


class Archiver(Victim):
    """A program that fills an archive, which is compared with the cloud's bytes."""

    def __init__(self, name):
        super().__init__(name)
        self.looked_at = {}  # path → inode and mtime
        self.files = self.begun = 0

    def forget(self):
        """Deletes some months of the archive, so that they are fetched again."""
        for directory in list(self.archive.glob("*/*/data/day/*/*")):
            if self.random.random() < 0.3:
                shutil.rmtree(directory)

    def look(self):
        for path in self.archive.rglob("*"):
            if not path.is_file() or ".empty" in path.parts:
                continue
            about = path.stat()
            if self.looked_at.get(path) == (about.st_ino, about.st_mtime_ns):
                continue
            self.looked_at[path] = (about.st_ino, about.st_mtime_ns)
            if path.suffix == ".json":
                self.compare(path)
            elif path.name == ".first":
                if path.read_text() != f"{since}\nEurope/Amsterdam\n+cloud home\n":
                    fault(f"{path}: {path.read_text()!r}")
            elif path.name.endswith(".damaged"):
                fault(f"{path}: it was damaged")
            else:
                self.begun += 1

    def compare(self, path):
        uid, alias, *rest = path.relative_to(self.archive).parts
        kind = rest[1] if rest[0] == "data" else "day"
        parts = [int(part) for part in path.stem.split("-")] + [1, 1]
        moment = expected.local_midnight(datetime.date(*parts[:3]))
        where = f"data/{kind}" if rest[0] == "data" else "totals"
        if path.read_bytes() != expected.ask(cloud, key, f"cemm/{uid}/{alias}/{where}/", time=moment):
            fault(f"{path}: not the bytes of the cloud")
        self.files += 1

    def seen(self):
        return self.files

    def figures(self):
        return f"{self.files} files of the archive were checked, {self.begun} were left unfinished"


class Mount(Archiver):
    def __init__(self):
        super().__init__("cemmfs")
        self.mount = self.dir / "m"
        self.mount.mkdir()

    def mounted(self):
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            return any(line.split()[1] == str(self.mount) for line in mounts)

    def ready(self):
        """A mount that a crash has left exists, but does not answer."""
        try:
            return self.mounted() and os.stat(self.mount / "status").st_size > 0
        except OSError:
            return False

    def begin(self):
        return self.start(build / "fs/cemmfs", self.config, self.mount, "-f")

    def read(self):
        """Reads some months; errors when the mount is killed are ignored."""
        words = []
        for _ in range(4):
            day = first_day + datetime.timedelta(days=self.random.randrange(300))
            alias = self.random.choice(("p1", "s01", "p1-gas"))
            words.append(f"{self.mount}/{self.random.choice(uids)}/{alias}/data/day/{day:%Y/%m}")
        script = 'for d in "$@"; do ls "$d" >/dev/null && cat "$d"/*.json; done'
        return self.start("bash", "-c", script, "-", *words, stdout=subprocess.DEVNULL)

    def once(self):
        self.forget()
        process = self.begin()
        end = time.monotonic() + WAIT_MAX
        reader = None
        if self.random.random() < 0.9:
            while not self.ready():
                if process.poll() is not None or time.monotonic() > end:
                    fault(f"cemmfs does not mount: {(self.dir / 'log').read_text()[-500:]}")
                    return
                time.sleep(0.01)
            reader = self.read()
        self.kill(process, 1.5)
        if reader:
            reader.wait(WAIT_MAX)
            children.discard(reader)
        self.look()

    def end(self):
        process = self.begin()
        end = time.monotonic() + WAIT_MAX
        while not self.ready() and time.monotonic() < end:
            time.sleep(0.01)
        for uid in uids:
            day = first_day + datetime.timedelta(days=40)
            text = (self.mount / f"{uid}/p1/data/day/{day:%Y/%m/%Y-%m-%d}.csv").read_bytes()
            body = expected.ask(cloud, key, f"cemm/{uid}/p1/data/day/", time=expected.local_midnight(day))
            if text != expected.history_csv(body):
                fault(f"at the end {uid} {day} is wrong")
        # A child that another thread has forked may, until it calls exec, still have a file of the mount open.
        while (left := subprocess.run(["fusermount3", "-u", str(self.mount)], capture_output=True)).returncode != 0:
            if time.monotonic() > end:
                raise RuntimeError(left.stderr.decode())
            time.sleep(0.1)
        if process.wait(WAIT_MAX) != 0 or self.mounted():
            fault("in the end it is not unmounted")
        children.discard(process)


class History(Archiver):
    def __init__(self):
        super().__init__("history")
        self.whole = {}

    def command(self, begin, config, output):
        until = begin + datetime.timedelta(days=25)
        return [build / "plugin/exec/cemm", "history", "--config", config, "--from", begin, "--to", until,
                "--format", "csv", "--output", output, "p1", "s01"]  # fmt: skip

    def once(self):
        self.forget()
        begin = first_day + datetime.timedelta(days=30 * self.random.randrange(10))
        output = self.dir / f"{begin}.csv"
        if self.random.random() < 0.5:
            output.unlink(missing_ok=True)
        # The more often it has ended before the kill, the sooner it is killed.
        self.kill(self.start(*self.command(begin, self.config, output)), max(0.05, 1.2 * 0.8**self.ended))
        if output.exists():
            self.whole.setdefault(begin, []).append(hash(output.read_bytes()))
        self.look()

    def end(self):
        """Each output file is complete: the same as without a kill."""
        for begin, seen in self.whole.items():
            output = self.dir / "right.csv"
            subprocess.run([str(word) for word in self.command(begin, self.config, output)], check=True, stderr=subprocess.DEVNULL)
            if set(seen) != {hash(output.read_bytes())}:
                fault(f"history: the output from {begin} was not complete")
        rest = [path for path in self.dir.iterdir() if re.search(r"\.csv.+|^\.", path.name)]
        note(f"history: {len(rest)} unfinished outputs were left behind")


def is_past(moment):
    return moment % 60000 == 0 and moment < (time.time() - OLD) * 1000


class Sender(Victim):
    """A program that sends each sample once, according to its state file."""

    piece = 0
    window = WINDOW

    def __init__(self, name):
        super().__init__(name)
        self.state = self.dir / "state"
        self.given = collections.OrderedDict()  # (series, time) → the run that sent it last
        self.runs = self.twice = self.worst = self.total = self.epochs = 0
        self.begin_epoch()

    def begin_epoch(self):
        self.state.unlink(missing_ok=True)
        self.given.clear()
        self.reached = {}  # (series, whether old) → run → the time of the newest sample that it sent
        self.epoch_run = self.runs
        self.epochs += 1

    def take(self, samples):
        """Checks and records the samples of this run, which are in order."""
        repeated = 0
        mine = set()
        for sample in samples:
            if sample in mine:
                fault(f"{self.name}: {sample} twice in one run")
            mine.add(sample)
            if sample in self.given:
                repeated += 1
                if self.was_passed(sample):
                    fault(f"{self.name}: {sample} was sent in run {self.given[sample]}, and again in {self.runs}")
            self.given[sample] = self.runs
        for series, moment in mine:
            runs = self.reached.setdefault((series, is_past(moment)), {})
            runs[self.runs] = max(moment, runs.get(self.runs, 0))
        self.total += len(samples)
        self.twice += repeated
        self.worst = max(self.worst, repeated)
        if repeated > self.piece:
            fault(f"{self.name}: {repeated} samples came twice after one kill")

    def was_passed(self, sample):
        """Whether a run after the one that sent the sample has sent newer ones: then the state file had the sample."""
        series, moment = sample
        runs = self.reached.get((series, is_past(moment)), {})
        return any(run > self.given[sample] and newest > moment for run, newest in runs.items())

    def look_at_state(self):
        if not self.state.exists():
            return
        lines = self.state.read_text().split("\n")
        if lines[:-1] and lines[0] != "cemm minutes 2":
            fault(f"{self.name}: the state file begins with {lines[0]!r}")
        if lines[:-1] and lines.count("end") != 1:
            fault(f"{self.name}: the state file was cut off")
        for line in lines[1:-1]:
            if line != "end" and not STATE.fullmatch(line):
                fault(f"{self.name}: the state file has {line!r}")

    def lacking(self):
        """The past minutes of the window that were never sent, for each series of power that was sent at all;
        "all" if no series was sent."""
        minutes = {}
        for series, moment in self.given:
            minutes.setdefault(series, set()).add(moment // 60000)
        until = int(time.time()) // 60 - 5
        return [
            f"{series} at {60 * minute}"
            for series, seen in minutes.items()
            if series.endswith("electric_power")
            for minute in range(self.from_minute, until)
            if minute not in seen
        ] or ([] if minutes else ["all"])

    def once(self):
        if self.random.random() < FRESH:
            self.begin_epoch()
        self.runs += 1
        if self.runs == self.epoch_run + 1:
            self.from_minute = (int(time.time()) - self.window) // 60 + 60
        self.kill(self.begin(), self.most)
        self.take(self.heard())
        self.look_at_state()
        if "damaged" in (self.dir / "log").read_text() or "worthless" in (self.dir / "log").read_text():
            fault(f"{self.name}: the state file was damaged: {(self.dir / 'log').read_text()[-500:]}")

    def end(self):
        """A last run, until it has sent everything."""
        self.runs += 1
        process = self.begin()
        end = time.monotonic() + WAIT_MAX
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.5)
            run = self.heard()
            self.total += len(run)
            self.given.update(dict.fromkeys(run, self.runs))
            if not self.lacking():
                break
        for minute in self.lacking()[:3]:
            fault(f"{self.name}: at the end, {minute} is missing")
        self.kill(process, 0, signal.SIGTERM)

    def seen(self):
        return self.total

    def figures(self):
        return (
            f"{self.total} samples in {self.epochs} states, {self.twice} came twice, after one kill {self.worst} at most"
        )


class Stream(Sender):
    piece = STREAM_PIECE
    most = 1.5

    def begin(self):
        self.read = 0
        with open(self.dir / "out", "wb") as out:
            return self.start(build / "plugin/exec/cemm", "stream", "--config", self.config, "--interval", "1",
                              "--format", "csv", "--state", self.state, stdout=out)  # fmt: skip

    def heard(self):
        data = (self.dir / "out").read_bytes()[self.read :]
        data = data[: data.rfind(b"\n") + 1]  # the last line may be torn
        self.read += len(data)
        samples = []
        for line in data.decode().splitlines():
            if not line.startswith("uid,"):
                uid, alias, channel, _, _, moment, _ = line.split(",")
                ms = int(datetime.datetime.fromisoformat(moment).timestamp() * 1000)
                samples.append((f"{uid}/{alias}/{channel}", ms))
        return samples


class Collectd(Sender):
    piece = COLLECTD_PIECE
    # Seconds. It sends old values only after the first live one, so it needs more time than stream.
    most = 8 if count >= SHORT else 4
    window = WINDOW if count >= SHORT else WINDOW // 12

    def __init__(self):
        super().__init__("collectd")
        (self.dir / "collectd.conf").write_text(f"""
Hostname "test-host"
FQDNLookup false
BaseDir "{self.dir}"
PIDFile "{self.dir}/pid"
Interval 1
LoadPlugin logfile
<Plugin logfile>
  File stderr
  LogLevel info
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "{self.dir}/csv"
</Plugin>
PluginDir "{build}/plugin/collectd"
LoadPlugin cemm
<Plugin cemm>
  TimeZone "Europe/Amsterdam"
  StateFile "{self.state}"
  <Discovery>
    Enabled false
  </Discovery>
  <Cloud "home">
    URL "{cloud}"
    ApiKeyFile "{self.dir}/key"
    Interval 1
  </Cloud>
  <Backfill>
    Writer csv
    Window {self.window}
  </Backfill>
</Plugin>
""")
        self.ends = {}  # csv file → how much of it has been read

    def begin_epoch(self):
        super().begin_epoch()
        shutil.rmtree(self.dir / "csv", ignore_errors=True)
        self.ends = {}

    def begin(self):
        return self.start(collectd, "-f", "-C", self.dir / "collectd.conf", env={**os.environ, **preload()})

    def heard(self):
        samples = []
        for path in sorted((self.dir / "csv").rglob("*-????-??-??")):
            series = path.name[:-11]
            if series.count("-") < 2 or series.startswith("response_time"):
                continue
            data = path.read_bytes()
            new = data[self.ends.get(path, 0) :]
            whole = new.rfind(b"\n") + 1
            self.ends[path] = self.ends.get(path, 0) + whole
            for line in new[:whole].decode().splitlines():
                if line and not line.startswith("epoch"):
                    name = f"{path.parent.name}/{series}"
                    samples.append((name, int(line.split(",")[0].replace(".", ""))))
        return samples


def preload():
    """The preload that a plugin with ASan needs in collectd."""
    out = subprocess.run(["ldd", str(build / "plugin/collectd/cemm.so")], capture_output=True, text=True, check=True)
    found = re.search(r"=> (\S*libasan\S*) ", out.stdout)
    return {"LD_PRELOAD": found.group(1)} if found else {}


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    victims = [Mount(), History(), Stream("stream")] + ([Collectd()] if collectd else [])
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for future in [pool.submit(victim.run) for victim in victims]:
                future.result()
    finally:
        for process in list(children):
            process.kill()
            process.wait()
    note(f"{sum(victim.killed for victim in victims)} kills in all")
    sys.exit(1 if faults else 0)


main()
