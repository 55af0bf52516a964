#!/usr/bin/env python3
"""Replaces systemctl for readme.sh, in a copy of a machine in which systemd does not run.

It knows the verbs enable, disable (both also with --now), restart and daemon-reload. It runs units with
the user, the rights, the directories and the credentials that they name. Starting a timer runs its
service once, immediately. A service's output goes to /tmp/inside/UNIT.log. It knows only the settings that
the examples and collectd's unit use.
"""
import contextlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PLACES = ["/etc/systemd/system", "/lib/systemd/system"]
DYNAMIC_USER = 61184


def read(name):
    path = next((f"{place}/{name}" for place in PLACES if os.path.exists(f"{place}/{name}")), None)
    if not path:
        sys.exit(f"Unit {name} not found.")
    unit = {}
    for line in open(path).read().replace("\\\n", " ").splitlines():
        if "=" in line and line[0] not in "#;":
            key, value = line.split("=", 1)
            unit.setdefault(key.strip(), []).append(value.strip())
    return unit


def one(unit, key, default=""):
    return unit.get(key, [default])[-1]


def run(command, **more):
    return subprocess.run(command, check=True, **more)


def directory(path, uid, gid, mode):
    os.makedirs(path, exist_ok=True)
    if os.stat(path).st_uid != uid:
        run(["chown", "-R", f"{uid}:{gid}", path])
    os.chmod(path, int(mode, 8))


class Service:
    def __init__(self, name):
        self.name, self.unit = name, read(name + ".service")
        self.pid_file = f"/run/stand-in/{name}"
        os.makedirs("/run/stand-in", exist_ok=True)
        user = one(self.unit, "User", "root")
        account = None if one(self.unit, "DynamicUser") == "yes" else pwd.getpwnam(user)
        self.uid, self.gid = (account.pw_uid, account.pw_gid) if account else (DYNAMIC_USER, DYNAMIC_USER)
        self.environment = {"PATH": PATH, "HOME": account.pw_dir if account else "/"}
        self.writable = one(self.unit, "ReadWritePaths").split()

    def directories(self):
        for kind, place in (("State", "/var/lib"), ("Runtime", "/run")):
            for name in one(self.unit, kind + "Directory").split():
                path = f"{place}/{name}"
                directory(path, self.uid, self.gid, one(self.unit, kind + "DirectoryMode", "0755"))
                self.environment[kind.upper() + "_DIRECTORY"] = path
                self.writable.append(path)
        for credential in self.unit.get("LoadCredential", []):
            name, source = credential.split(":")
            place = f"/run/credentials/{self.name}"
            directory(place, self.uid, self.gid, "0500")
            shutil.copy(source, f"{place}/{name}")
            os.chown(f"{place}/{name}", self.uid, self.gid)
            os.chmod(f"{place}/{name}", 0o400)
            self.environment["CREDENTIALS_DIRECTORY"] = place

    def prefix(self):
        """The command prefix that removes the rights that the unit does not keep."""
        words = []
        if one(self.unit, "ProtectSystem") == "strict":
            keep = "".join(f"mount --bind {path} {path}; " for path in map(shlex.quote, self.writable))
            words += ["unshare", "--mount", "sh", "-ec", keep + 'mount -o remount,bind,ro /; exec "$@"', "-"]
        words += ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if one(self.unit, "NoNewPrivileges") == "yes":
            words.append("--no-new-privs")
        if "CapabilityBoundingSet" in self.unit:
            words.append("--bounding-set=-all" + capabilities(one(self.unit, "CapabilityBoundingSet")))
        ambient = capabilities(one(self.unit, "AmbientCapabilities"))
        return words + [f"--inh-caps=-all{ambient}", f"--ambient-caps=-all{ambient}"]

    def start(self):
        self.directories()
        log = open(f"/tmp/inside/{self.name}.log", "ab")
        more = {"env": self.environment, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "cwd": "/"}
        for line in self.unit.get("ExecStartPre", []):
            command = shlex.split(line.lstrip("+"))
            run(command if line.startswith("+") else self.prefix() + command, **more)
        command = self.prefix() + shlex.split(one(self.unit, "ExecStart"))
        if one(self.unit, "Type") == "oneshot":
            code = subprocess.run(command, check=False, **more).returncode
            if code and str(code) not in one(self.unit, "SuccessExitStatus").split():
                sys.exit(f"Job for {self.name}.service failed: {code}")
            return
        ready = self.listen()
        process = subprocess.Popen(command, start_new_session=True, **more)
        with open(self.pid_file, "w") as file:
            file.write(str(process.pid))
        self.wait_until_ready(process, ready)

    def listen(self):
        path = f"/run/stand-in/{self.name}.notify"
        if os.path.exists(path):
            os.unlink(path)
        ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ready.bind(path)
        os.chmod(path, 0o666)
        ready.settimeout(1)
        if one(self.unit, "Type") == "notify":
            self.environment["NOTIFY_SOCKET"] = path
        return ready

    def wait_until_ready(self, process, ready):
        for _ in range(300):
            if process.poll() is not None:
                sys.exit(f"Job for {self.name}.service failed: {process.returncode}")
            if one(self.unit, "Type") != "notify":
                return
            try:
                if b"READY=1" in ready.recv(4096):
                    return
            except TimeoutError:
                pass
        sys.exit(f"Job for {self.name}.service timed out")

    def stop(self):
        if not os.path.exists(self.pid_file):
            return
        pid = int(open(self.pid_file).read())
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)  # all processes of the service
        for _ in range(3000):
            # Its parent, the systemctl that started it, has ended; the copy's first process reaps it.
            if not os.path.exists(f"/proc/{pid}"):
                break
            time.sleep(0.1)
        else:
            sys.exit(f"{self.name}.service does not stop")
        os.unlink(self.pid_file)
        for name in one(self.unit, "RuntimeDirectory").split():
            shutil.rmtree(f"/run/{name}")


def capabilities(text):
    """Converts "CAP_SYS_ADMIN CAP_CHOWN" to ",+sys_admin,+chown", the syntax of setpriv."""
    return "".join(f",+{word.lower().removeprefix('cap_')}" for word in text.split())


def apply(verb, now, name):
    stem, _, kind = name.partition(".")
    if verb in ("enable", "disable"):
        read(name if kind else name + ".service")
        run(["/bin/systemctl", "--root=/", verb, name])
    if verb == "disable" and now or verb == "restart":
        if kind != "timer":
            Service(stem).stop()
    if verb == "enable" and now or verb == "restart":
        Service(stem).start()


verb, *names = [word for word in sys.argv[1:] if not word.startswith("-")]
if verb not in ("enable", "disable", "restart", "daemon-reload"):
    sys.exit(f"Unknown command verb {verb}.")
for name in names:
    apply(verb, "--now" in sys.argv, name)
