"""Many processes read, list and stat files of one mount, and kill each other, while one device is faulty.

attack.py MOUNTPOINT CLOUD SECONDS PROCESSES SEED DEADLINE FAULTY HEALTHY…; the key is in
$SIM_KEY. Each line that does not begin with # is an error, and the exit status is then 1. Start it before
there are faults: it first gets the right answers from the cloud.

The parent only watches. Each process records in shared memory what it is doing, and since when, so that
this is known if it hangs or is killed. No process outside the test is ever killed: the parent removes a
pid from the shared memory before the system can reuse it, and a killer reads it there again after it has
opened a pidfd.
"""

import datetime
import errno
import mmap
import os
import random
import signal
import struct
import sys
import time

import expected

# pid, operations, begun, slowest on healthy devices, slowest on the faulty one, path. Each may briefly read as 0.
SLOT = struct.Struct("@iIddd120s")
DYING_MAX = 10  # seconds until a killed process must be gone
DAYS = 12
UNCACHED = 0.3  # of all reads: the kernel's cache of the file is dropped first
KILLS = 0.04  # of all operations

mount, cloud = sys.argv[1:3]
seconds, count, seed, deadline = (float(word) for word in sys.argv[3:7])
faulty, healthy = sys.argv[7], sys.argv[8:]
count = int(count)
key = os.environ["SIM_KEY"]
shared = mmap.mmap(-1, SLOT.size * count)
right = {}  # path of a closed day → its bytes


def learn():
    for uid in [faulty, *healthy]:
        for alias in ("p1", "s01"):
            for number in range(DAYS):
                date = datetime.date.today() - datetime.timedelta(days=40 + 17 * number)
                body = expected.ask(
                    cloud, key, f"cemm/{uid}/{alias}/data/day/", time=expected.local_midnight(date)
                )
                path = f"{mount}/{uid}/{alias}/data/day/{date:%Y/%m/%Y-%m-%d}.csv"
                right[path] = expected.history_csv(body)


class Slot:
    """What a process is doing."""

    def __init__(self, number):
        self.at = number * SLOT.size
        self.read()

    def read(self):
        fields = SLOT.unpack_from(shared, self.at)
        self.pid, self.operations, self.begun, self.slowest, self.slowest_faulty, path = fields
        self.path = path.rstrip(b"\0").decode()
        return self

    def write(self):
        fields = (self.pid, self.operations, self.begun, self.slowest, self.slowest_faulty)
        SLOT.pack_into(shared, self.at, *fields, self.path.encode()[-120:])


def complain(words):
    os.write(1, (words + "\n").encode())


class Reader:
    """One of the processes, until it is killed."""

    def __init__(self, number):
        self.slot = Slot(number)
        self.number = number

    def timed(self, path, call, *words):
        """Makes a system call, and records when it began and how long it took."""
        self.slot.path, self.slot.begun = path[len(mount) :], time.monotonic()
        self.slot.write()
        try:
            return call(*words)
        finally:
            took = time.monotonic() - self.slot.begun
            if faulty in path:
                self.slot.slowest_faulty = max(self.slot.slowest_faulty, took)
            else:
                self.slot.slowest = max(self.slot.slowest, took)
            self.slot.begun = 0
            self.slot.operations += 1
            self.slot.write()

    def read(self, path, hold=0.0):
        file = self.timed(path, os.open, path, os.O_RDONLY)
        try:
            size = self.timed(path, os.fstat, file).st_size
            if random.random() < UNCACHED:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            time.sleep(hold)
            data = b""
            while part := self.timed(path, os.read, file, 1 << 17):
                data += part
        finally:
            os.close(file)
        if len(data) < size:
            complain(f"{path}: {len(data)} of {size} bytes")
        return data

    def look(self):
        uid = random.choice([faulty, *healthy])
        base = f"{mount}/{uid}"
        kind = random.random()
        if kind < 0.4:
            path = random.choice([path for path in right if uid in path])
            if self.read(path, random.choice((0, 0, 0.05))) != right[path]:
                complain(f"{path}: not the content of the cloud")
        elif kind < 0.6:
            path = f"{base}/{random.choice(('p1', 's01', 'p1-gas'))}/realtime.csv"
            data = self.read(path)
            if uid != faulty and (not data.startswith(b"channel,value,unit,time\n") or data[-1:] != b"\n"):
                complain(f"{path}: {data!r}")
        elif kind < 0.8:
            path = random.choice((mount, base, f"{base}/p1", f"{base}/p1/realtime", f"{base}/s01/data/day"))
            if not self.timed(path, os.listdir, path) and uid != faulty:
                complain(f"{path}: nothing is listed")
        elif kind < 0.95:
            path = random.choice(
                (f"{base}/info.json", f"{base}/p1/realtime/t1", f"{base}/s01/data/day/today.csv", f"{mount}/status")
            )
            self.timed(path, os.stat, path)
        else:
            self.read(f"{mount}/status.json")

    def kill(self):
        victim = Slot(random.randrange(count))
        if victim.at == self.slot.at or victim.pid <= 0:
            return
        try:
            handle = os.pidfd_open(victim.pid)
        except ProcessLookupError:
            return
        try:
            if Slot(victim.at // SLOT.size).pid == victim.pid:
                signal.pidfd_send_signal(handle, random.choice((signal.SIGKILL, signal.SIGINT)))
        except ProcessLookupError:
            pass  # another process was faster
        finally:
            os.close(handle)

    def run(self):
        while True:
            if random.random() < KILLS:
                self.kill()
                continue
            try:
                self.look()
            except OSError as error:
                path = mount + self.slot.path
                if faulty not in path:
                    complain(f"{path}: {errno.errorcode.get(error.errno, error)}, although it is healthy")


class Watch:
    """The parent."""

    def __init__(self):
        self.pids = {}
        self.deaths = 0
        self.hung = set()

    def begin(self, number):
        slot = Slot(number)
        slot.pid, slot.begun, slot.path = 0, 0.0, ""
        slot.write()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            random.seed(seed + number + 1000 * self.deaths)
            reader = Reader(number)
            reader.slot.pid = os.getpid()
            reader.slot.write()
            try:
                reader.run()
            except BaseException as error:
                complain(f"a reader failed: {error!r}")
            os._exit(1)
        self.pids[pid] = number

    def reap(self, again):
        while info := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            number = self.pids.pop(info.si_pid)
            slot = Slot(number)
            slot.pid, slot.begun = 0, 0.0
            slot.write()
            os.waitpid(info.si_pid, 0)
            self.deaths += 1
            if again:
                self.begin(number)
            if not self.pids:
                break

    def look(self):
        now = time.monotonic()
        for number in range(count):
            slot = Slot(number)
            if slot.begun and now - slot.begun > deadline and (number, slot.begun) not in self.hung:
                self.hung.add((number, slot.begun))
                complain(f"{slot.path}: takes {now - slot.begun:.1f} s so far, in process {slot.pid}")

    def end(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + DYING_MAX
        while self.pids and time.monotonic() < end:
            self.reap(False)
            time.sleep(0.02)
        for pid in self.pids:
            complain(f"process {pid} was killed and is not gone after {DYING_MAX} s")


def main():
    learn()
    watch = Watch()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print("# the right answers are known", flush=True)
    end = time.monotonic() + seconds
    try:
        for number in range(count):
            watch.begin(number)
        while time.monotonic() < end:
            watch.reap(True)
            watch.look()
            time.sleep(0.05)
    finally:
        killed = watch.deaths
        watch.end()
    slots = [Slot(number) for number in range(count)]
    print(
        f"# {sum(slot.operations for slot in slots)} operations, {killed} processes killed; the slowest took"
        f" {max(slot.slowest for slot in slots):.2f} s, of the faulty device"
        f" {max(slot.slowest_faulty for slot in slots):.2f} s",
        flush=True,
    )


main()
