"""What a command costs: CPU time of its whole family, time on the wall, system calls."""

import ctypes
import os
import re
import subprocess
import time
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Cost:
    """Of one run."""

    cpu: float
    wall: float
    status: int


def run(command):
    """Runs a command without output. The doctor's helper may outlive it for a moment, and belongs to it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    null = os.open(os.devnull, os.O_RDWR)
    files = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    begun = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - begun
    os.close(null)
    cpu = usage.ru_utime + usage.ru_stime
    while True:
        try:
            _, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return Cost(cpu, wall, os.waitstatus_to_exitcode(status))
        cpu += usage.ru_utime + usage.ru_stime


def quickest(command, runs):
    """The CPU time of the run that was least disturbed, and the last exit status."""
    costs = [run(command) for _ in range(runs)]
    return min(cost.cpu for cost in costs), costs[-1].status


def system_calls(command):
    """How many, by name; None without strace."""
    log = f"/tmp/doctor-bench.{os.getpid()}"
    try:
        subprocess.run(["strace", "-f", "-c", "-o", log, "--", *command], stdout=-3, stderr=-3, stdin=-3, check=False)
        with open(log, encoding="utf-8") as table:
            rows = [line.split() for line in table]
    except FileNotFoundError:
        return None
    finally:
        if os.path.exists(log):
            os.unlink(log)
    # "% time  seconds  usecs/call  calls  [errors]  syscall"; the last row is the total.
    return {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"}


# What of a trace is a question, and what the floor does for it; the first one is kept where a path is asked for twice.
QUESTIONS = [
    ("list", re.compile(r'openat\(AT_FDCWD, "([^"]+)", [A-Z_|]*O_DIRECTORY')),
    ("read", re.compile(r'openat\(AT_FDCWD, "([^"]+)"')),
    ("link", re.compile(r'readlink(?:at)?\((?:AT_FDCWD, )?"([^"]+)"')),
    ("statfs", re.compile(r'statfs\("([^"]+)"')),
    ("access", re.compile(r'f?access(?:at2?)?\((?:AT_FDCWD, )?"([^"]+)"')),
    ("stat", re.compile(r'(?:statx|newfstatat|stat)\((?:AT_FDCWD, )?"([^"]+)"')),
]
DESCRIPTOR = re.compile(r'readlinkat\(\d+<(/proc/\d+/fd)>, "(\d+)"')
# RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE.
DUMPS = ["dump 18", "dump 22", "dump 26"]


def floor_list(command, path):
    """Writes what `command` asks the kernel, each once, as the floor's list; the number of questions."""
    trace = subprocess.run(
        ["strace", "-f", "-y", "-e", "trace=%file,readlinkat", "-s", "4096", "--", *command],
        stdout=-3, stderr=subprocess.PIPE, stdin=-3, check=False,
    ).stderr.decode("utf-8", "replace")  # fmt: skip
    asked = {}
    for line in trace.splitlines():
        if "execve(" in line:
            continue
        line = re.sub(r"AT_FDCWD<[^>]*>", "AT_FDCWD", line)
        if found := DESCRIPTOR.search(line):
            asked.setdefault((found[1] + "/" + found[2], "link"))
            continue
        for what, pattern in QUESTIONS:
            if found := pattern.search(line):
                asked.setdefault((found[1], what))
                break
    # Who reads a file need not ask whether it is there.
    read = {path for path, what in asked if what in ("list", "read")}
    kept = [f"{what} {path}" for path, what in asked if what != "stat" or path not in read]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join([*kept, *DUMPS]) + "\n")
    return len(kept) + len(DUMPS)
