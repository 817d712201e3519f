"""A box: namespaces on this machine with a root, engines, devices, cgroups and an uplink of their own. Nothing that happens
in it is seen outside, and it leaves nothing behind."""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
CGROUPS = pathlib.Path("/sys/fs/cgroup")
GROUP = f"dind-doctor-cures-{os.getpid()}"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SERVER = "192.168.78.2"
USER = ["setpriv", "--reuid", "4242", "--regid", "4242", "--inh-caps=-all"]
# A server whose segments are as large as a whole Ethernet frame allows, and which never hears that they were too large: ICMP is
# dropped on its way, as in many clouds.
QUIET = "table ip quiet { chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }; }"


def hierarchies():
    """The folders of the machine's cgroup hierarchies."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        for line in table:
            before, after = line.split(" - ", 1)
            if after.split()[0] in ("cgroup", "cgroup2"):
                yield pathlib.Path(before.split()[4])


class Box:
    """One of them, from making to removal."""

    def __init__(self, folder, layer, log, machine=False):
        self.folder, self.layer, self.log = pathlib.Path(folder), layer, log
        # A machine has the PID namespace of this one: with one of its own it would be a container.
        self.spaces = ["mount", "net", "uts", "ipc", "cgroup"] + ([] if machine else ["pid"])
        self.processes, self.groups = [], []

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for hierarchy in hierarchies():
            group = hierarchy / GROUP
            group.mkdir(exist_ok=True)
            self.groups.append(group)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if (group / name).exists() and hierarchy.name == "cpuset":
                    (group / name).write_text((hierarchy / name).read_text(encoding="utf-8"), encoding="utf-8")
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def make(self):
        """Starts its first process and gives it an uplink."""
        spaces = ["unshare", *(f"--{space}" for space in self.spaces), "--fork", "--kill-child"]
        root = [str(HERE / "root.sh"), str(self.folder), str(self.layer)]
        first = self.hold([*spaces, *root], self.join)
        self.init = self.child(first)
        self.router = self.hold(["unshare", "--net", "sleep", "infinity"]).pid
        self.far = self.hold(["unshare", "--net", "sleep", "infinity"]).pid
        until = time.time() + 30
        while not pathlib.Path(f"/proc/{self.init}/root/run/box-is-made").exists() or self.comm() != "tini":
            if time.time() > until or first.poll() is not None:
                raise RuntimeError("the box could not be made")
            time.sleep(0.05)
        self.uplink()

    def comm(self):
        """What its PID 1 is."""
        return pathlib.Path(f"/proc/{self.init}/comm").read_text(encoding="utf-8").strip()

    def join(self):
        """In a new process: it belongs to the box's cgroups, and has the open files that it may have."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        for group in self.groups:
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")

    def hold(self, command, before=None):
        process = subprocess.Popen(command, preexec_fn=before, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.processes.append(process)
        return process

    @staticmethod
    def child(process):
        until = time.time() + 10
        while time.time() < until:
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
            if children:
                return int(children[0])
            time.sleep(0.02)
        raise RuntimeError("no process")

    def net(self, pid, *command):
        subprocess.run(["nsenter", "--target", str(pid), "--net", *command], check=True, stdout=self.log, stderr=self.log)

    def uplink(self):
        """eth0, a router, and a server behind it."""
        deadline = time.time() + 10
        own = os.readlink("/proc/self/ns/net")
        while any(os.readlink(f"/proc/{pid}/ns/net") == own for pid in (self.router, self.far)) and time.time() < deadline:
            time.sleep(0.02)
        self.net(self.router, "ip", "link", "add", "near", "type", "veth", "peer", "name", "eth0", "netns", str(self.init))
        self.net(self.router, "ip", "link", "add", "far", "type", "veth", "peer", "name", "eth0", "netns", str(self.far))
        for at, name, address in (
            (self.init, "eth0", "192.168.77.5/24"),
            (self.router, "near", "192.168.77.1/24"),
            (self.router, "far", "192.168.78.1/24"),
            (self.far, "eth0", SERVER + "/24"),
        ):
            self.net(at, "ip", "link", "set", "lo", "up")
            self.net(at, "ip", "address", "add", address, "dev", name)
            self.net(at, "ip", "link", "set", name, "up")
        self.net(self.init, "ip", "route", "add", "default", "via", "192.168.77.1")
        self.net(self.far, "ip", "route", "add", "default", "via", "192.168.78.1")
        self.net(self.router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        self.net(self.router, "nft", QUIET)
        serve = ["nsenter", "--target", str(self.far), "--net", "python3", str(HERE / "server.py"), SERVER, str(self.folder)]
        self.hold(serve)

    def command(self, words, user=False, env=None):
        """What runs these words in the box."""
        home, run = ("/home/lab", "/run/user/4242") if user else ("/root", "")
        values = {"PATH": PATH, "HOME": home, "LANG": "C.UTF-8", "TERM": "dumb", **(env or {})}
        if run:
            values.setdefault("XDG_RUNTIME_DIR", run)
        enter = ["nsenter", "--target", str(self.init), *(f"--{space}" for space in self.spaces), "--wdns=/"]
        clean = ["env", "-i", *(f"{name}={value}" for name, value in values.items() if value is not None)]
        # A new session of the user, who may be in another group since.
        named = user and subprocess.run([*enter, "id", "lab"], capture_output=True, check=False).returncode == 0
        become = [*USER, "--init-groups" if named else "--clear-groups"] if user else []
        return [*enter, *become, *clean, *words]

    def run(self, words, user=False, env=None, stdin=None, timeout=300):
        """The exit status and what was printed; text of the program's on standard error goes to the log."""
        self.log.write(f"$ {' '.join(words)[:400]}\n")
        self.log.flush()
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        try:
            done = subprocess.run(
                self.command(words, user, env), preexec_fn=self.join, stdout=subprocess.PIPE, stderr=self.log,
                timeout=timeout, check=False, **given)
        except subprocess.TimeoutExpired as late:
            return 124, (late.stdout or b"").decode("utf-8", "replace")
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def sh(self, script, **more):
        return self.run(["sh", "-c", script], **more)

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        self.kill()
        until = time.time() + 20
        for group in self.groups:
            while group.exists() and time.time() < until:
                for folder, _, _ in os.walk(group, topdown=False):
                    try:
                        os.rmdir(folder)
                    except OSError:
                        time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self):
        """What is left in its cgroups: without a PID namespace nothing takes it along."""
        for group in self.groups:
            for _ in range(50):
                left = [int(pid) for file in group.glob("**/cgroup.procs") for pid in file.read_text(encoding="utf-8").split()]
                for pid in left:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                if not left:
                    break
                time.sleep(0.05)
