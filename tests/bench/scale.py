"""scale.py DOCTOR WHAT LEAST MOST: makes WHAT in the namespaces that it is in, doubling from LEAST to MOST, and prints
what the doctor takes with none and with each number: "N SECONDS" a line. What cannot be made is said on stderr, and
the exit code is 77."""

import ctypes
import os
import subprocess
import sys
import tempfile
import time

import measure

LIBC = ctypes.CDLL(None, use_errno=True)
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
CLONE_VM, SIGCHLD = 0x100, 17
RUNS = 3


def skip(reason):
    print(reason, file=sys.stderr)
    sys.exit(77)


def mount(source, target, fstype, flags=0, options=None):
    encode = lambda text: text.encode() if text else None
    if LIBC.mount(encode(source), encode(target), encode(fstype), flags, encode(options)):
        raise OSError(ctypes.get_errno(), target)


class Mounts:
    """Each a filesystem of its own. (Binding one directory again and again takes the kernel ever longer.)"""

    def __init__(self, place):
        self.place = place
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        mount("tmpfs", place, "tmpfs")

    def make(self, first, last):
        for i in range(first, last):
            path = f"{self.place}/{i}"
            os.mkdir(path)
            mount("tmpfs", path, "tmpfs", 0, "size=4k")


class Processes:
    """They share one memory, and each has what else a process has."""

    def __init__(self, _place):
        self.stack = ctypes.create_string_buffer(64 * 1024)
        self.top = ctypes.c_void_p(ctypes.addressof(self.stack) + 60 * 1024)
        self.pause = ctypes.cast(LIBC.pause, ctypes.c_void_p)

    def make(self, first, last):
        # Others need processes too: the number is the whole machine's.
        with open("/proc/sys/kernel/pid_max", encoding="ascii") as limit:
            if last > int(limit.read()) - 8192:
                skip(f"{last} processes do not fit into kernel.pid_max")
        for i in range(first, last):
            # They never return from pause(2), so that one stack does for all of them.
            if LIBC.clone(self.pause, self.top, CLONE_VM, None) < 0:
                skip(f"{i} processes: {os.strerror(ctypes.get_errno())}")


HIERARCHY = "name=doctor-bench"


class Cgroups:
    """Pods of a hierarchy of their own; they are gone with it."""

    def __init__(self, place):
        try:
            mount("none", place, "cgroup", 0, f"none,{HIERARCHY}")
            self.place, self.own = place, True
        except OSError:
            self.own = False
            self.place = f"/sys/fs/cgroup/doctor-bench-{os.getpid()}"
        self.made = []
        for path in (self.place, f"{self.place}/kubepods"):
            if not os.path.isdir(path):
                os.mkdir(path)
                self.made.append(path)

    def make(self, first, last):
        for i in range(first, last):
            path = f"{self.place}/kubepods/pod{i:08x}"
            os.mkdir(path)
            self.made.append(path)

    def close(self):
        for path in reversed(self.made):
            if path != self.place:
                os.rmdir(path)
        if not self.own:
            return os.rmdir(self.place)
        # A hierarchy ends with its last mount, but only if the kernel is done with its cgroups, a moment after rmdir.
        for _ in range(50):
            LIBC.umount2(self.place.encode(), 2)
            time.sleep(0.3)
            with open("/proc/self/cgroup", encoding="utf-8") as table:
                if HIERARCHY not in table.read():
                    return
            mount("none", self.place, "cgroup", 0, f"none,{HIERARCHY}")
        sys.exit(f"the cgroup hierarchy {HIERARCHY} is left behind")


def batch(commands):
    made = subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, capture_output=True, check=False)
    if made.returncode:
        skip(f"ip: {made.stderr.strip().splitlines()[0]}")


class Routes:
    def __init__(self, _place):
        batch(["link set lo up"])

    def make(self, first, last):
        batch(f"route add 10.{i >> 16}.{i >> 8 & 255}.{i & 255}/32 dev lo" for i in range(first, last))


class Links:
    """Of the first type that this kernel has."""

    def __init__(self, _place):
        for self.type in ("dummy", "ifb", "bridge"):
            probe = ["ip", "link", "add", "probe", "type", self.type]
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return
        skip("links: the kernel makes neither dummy, nor ifb, nor bridge")

    def make(self, first, last):
        batch(f"link add l{i} type {self.type}" for i in range(first, last))


def main():
    doctor, what, least, most = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with tempfile.TemporaryDirectory(prefix="doctor-bench.") as place:
        kind = globals()[what.capitalize()]
        maker = kind(place)
        try:
            made, number = 0, 0
            while number <= most:
                maker.make(made, number)
                made = number
                cpu, status = measure.quickest([doctor, "--format", "json", "--timeout", "60"], RUNS)
                if status not in (0, 1):
                    sys.exit(f"{number} {what}: the doctor ends with {status}")
                print(number, f"{cpu:.6f}", flush=True)
                number = number * 2 if number else least
                # What is made is killed and forgotten with the namespaces.
        finally:
            if hasattr(maker, "close"):
                maker.close()
            # The directory itself is no mount point for who removes it.
            LIBC.umount2(place.encode(), 2)


if __name__ == "__main__":
    main()
