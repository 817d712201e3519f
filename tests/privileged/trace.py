"""trace.py WRITABLE TRACE...: what of `strace -ff -yy` output a doctor must not do, one line each; exit code 1 if any.

WRITABLE is a regular expression of the paths that may be created and written ("" for none). System calls are allowed
by name: one that nobody has thought about yet fails, until its effects are known and it stands here. ENGINE_SOCKET in
the environment is the one socket that may be connected to: that of an engine that runs.
"""

import os
import re
import sys

# Without effect on anything but this process.
HARMLESS = set(
    """
    access arch_prctl bind brk capget clock_getres clock_gettime clock_nanosleep close close_range dup dup2 dup3
    epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group faccessat faccessat2 fadvise64 fork fstat
    fstatfs futex getcwd getdents64 getegid geteuid getgid getgroups getpeername getpid getppid getrandom getresgid
    getresuid getrlimit getsockname getsockopt gettid gettimeofday getuid getxattr lgetxattr lseek lstat madvise mmap
    mprotect mremap munmap nanosleep newfstatat pipe2 poll ppoll pread64 preadv prlimit64 pselect6 read readlink
    readlinkat readv recvfrom recvmsg restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn
    sched_getaffinity sched_yield select set_robust_list set_tid_address setitimer sigaltstack socket socketpair stat statfs
    statx sysinfo uname vfork wait4 waitid
    """.split()
)

# Changes to files: allowed where the path is.
CHANGES = set(
    """
    chmod fchmod fchmodat fchown fdatasync fsync ftruncate linkat mkdir mkdirat rename renameat renameat2 unlink unlinkat
    """.split()
)

# Types of netlink messages that only ask, decoded or not: RTM_GET* are those with the low bits 2, NFT_MSG_GET* every
# third.
ASKS = re.compile(r"RTM_GET\w+|NFNL_SUBSYS_NFTABLES<<8\|NFT_MSG_GET\w+")


def only_asks(kind):
    if not kind.startswith("0x"):
        return ASKS.fullmatch(kind)
    kind = int(kind, 16)
    if kind >> 8 == 10:  # NFNL_SUBSYS_NFTABLES
        return (kind & 0xFF) % 3 == 1
    return 16 <= kind < 256 and kind & 3 == 2


def allowed(call, arguments, writable, state):
    def may_write():
        paths = re.findall(r'"([^"]*)"', arguments) or re.findall(r"^\d+<([^>]*)>", arguments)
        # A name in a directory that is open; a file that has no name yet is known by its descriptor.
        names = re.findall(r'(?:\d+|AT_FDCWD)<([^>]*)>, "([^"]*)"', arguments)
        if len(names) == len(paths):
            paths = [os.path.normpath(os.path.join(*name)) for name in names]
        paths = [path for path in paths if not (call == "linkat" and path.startswith("/proc/self/fd/"))]
        return writable and paths and all(re.match(writable, path) for path in paths)

    if call in HARMLESS:
        # Reading /proc is asking; a new limit would be a change.
        return call != "prlimit64" or re.search(r", NULL, |, NULL\) ", arguments)
    if call in CHANGES:
        return may_write()
    if call == "execve":
        state["executed"] += 1
        return state["executed"] == 1
    if call in ("open", "openat", "openat2"):
        if re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)", arguments):
            return may_write()
        # Opening a device can start it.
        return not re.search(r"= \d+<.*<(char|block) ", arguments) or re.search(r"</dev/(null|urandom)<", arguments)
    if call in ("write", "writev"):
        descriptor, target = re.match(r"(\d+)<(.*?)>", arguments).groups()
        own = target.startswith(("anon_inode:[eventfd", "UNIX-STREAM:", "pipe:"))
        return descriptor in "12" or own or writable and re.match(writable, target)
    if call in ("sendto", "sendmsg"):
        if re.match(r"\d+<NETLINK", arguments):
            kinds = re.findall(r"nlmsg_type=([^, ]+)", arguments)
            return kinds and all(map(only_asks, kinds))
        # To a child: it has no address.
        return call == "sendto" and re.match(r"\d+<UNIX-STREAM", arguments) and ", NULL, 0)" in arguments
    if call == "connect":
        engine = os.environ.get("ENGINE_SOCKET")
        if engine and f'{{sa_family=AF_UNIX, sun_path="{engine}"}}' in arguments:
            return True
        return re.match(r"\d+<UDP", arguments) and "sa_family=AF_INET" in arguments
    if call in ("adjtimex", "clock_adjtime"):
        return "modes=0," in arguments  # sets nothing
    if call in ("clone", "clone3"):
        return "CLONE_NEW" not in arguments
    if call == "kill":
        return arguments.split(",")[0] in state["processes"]
    if call == "prctl":
        return arguments.startswith("PR_SET_PDEATHSIG")
    if call == "ioctl":
        # The last is XFS_IOC_FSGEOMETRY_V1, which only reads.
        return re.search(r", (TCGETS|TIOCGWINSZ|FIONBIO|FIOCLEX|_IOC\(_IOC_READ, 0x58, 0x64, 0x70\))", arguments)
    if call == "setsockopt":
        return re.search(r", SOL_(SOCKET|NETLINK), ", arguments)
    if call == "fcntl":
        return re.search(r", F_(GETFL|SETFL|GETFD|SETFD|DUPFD|DUPFD_CLOEXEC)\b", arguments)
    return False


def main():
    writable, traces = sys.argv[1], sys.argv[2:]
    state = {"executed": 0, "processes": {path.rpartition(".")[2] for path in traces}}
    bad = 0
    for path in traces:
        with open(path, encoding="utf-8", errors="replace") as trace:
            for line in trace:
                call = re.match(r"(\w+)\((.*)", line)
                if call and not allowed(*call.groups(), writable, state):
                    print("not allowed:", line.strip()[:300])
                    bad += 1
    if state["executed"] == 0:
        print("not allowed: a trace without the doctor's own execve proves nothing")
        bad += 1
    sys.exit(bad > 0)


main()
