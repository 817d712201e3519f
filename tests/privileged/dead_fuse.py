"""dead_fuse.py [--alive] DIR...: mounts on each DIR a filesystem that takes every request and answers none but the
first; says "mounted", and stays. A process that asks it anything cannot be killed: that is how a server that hangs
differs from one that is gone. With --alive it is an empty directory until SIGUSR1 comes, so that something can be
mounted over it."""

import errno
import os
import select
import signal
import struct
import subprocess
import sys

LOOKUP, GETATTR, STATFS, INIT, OPENDIR, READDIR = 1, 3, 17, 26, 27, 28
FORGET, BATCH_FORGET, INTERRUPT, RELEASEDIR, ACCESS = 2, 42, 36, 29, 34

alive = "--alive" in sys.argv
directories = [directory for directory in sys.argv[1:] if directory != "--alive"]


def mount(directory):
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    # -i: the helper for fuse would want a server to start.
    subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "dead", directory], check=True, pass_fds=[fd])
    return fd


def answer(fd, unique, body=b"", error=0):
    os.write(fd, struct.pack("=IiQ", 16 + len(body), -error, unique) + body)


def serve(fd):
    request = os.read(fd, 1 << 17)
    opcode, unique = struct.unpack_from("=4xIQ", request)
    if opcode == INIT:
        # fuse_init_out: protocol 7.31, no features, small writes.
        answer(fd, unique, struct.pack("=IIIIHHII", 7, 31, 0, 0, 1, 1, 4096, 1).ljust(64, b"\0"))
    elif not alive or opcode in (FORGET, BATCH_FORGET, INTERRUPT):
        pass
    elif opcode == GETATTR:
        # fuse_attr_out, valid for no time: inode 1, a directory.
        answer(fd, unique, struct.pack("=QII", 0, 0, 0) + struct.pack("=6Q10I", *[1] + [0] * 8, 0o40755, 2, *[0] * 5))
    elif opcode == STATFS:
        answer(fd, unique, struct.pack("=5Q10I", 0, 0, 0, 0, 0, 4096, 255, *[0] * 8))
    elif opcode in (OPENDIR, READDIR, RELEASEDIR, ACCESS):
        answer(fd, unique, bytes(16) if opcode == OPENDIR else b"")
    else:
        answer(fd, unique, error=errno.ENOENT if opcode == LOOKUP else errno.ENOSYS)


def die(*_):
    global alive
    alive = False


signal.signal(signal.SIGUSR1, die)
servers = [mount(directory) for directory in directories]
for server in servers:
    serve(server)
print("mounted", flush=True)
while True:
    for server in select.select(servers, [], [])[0]:
        serve(server)
