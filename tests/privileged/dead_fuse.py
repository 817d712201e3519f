"""dead_fuse.py DIR...: mounts on each DIR a filesystem that takes every request and answers none but the first; says
"mounted", and stays. A process that asks it anything cannot be killed: that is how a server that hangs differs from
one that is gone."""

import os
import select
import struct
import subprocess
import sys

INIT = 26


def mount(directory):
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    # -i: the helper for fuse would want a server to start.
    subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "dead", directory], check=True, pass_fds=[fd])
    return fd


def answer_init(fd):
    opcode, unique = struct.unpack_from("=4xIQ", os.read(fd, 1 << 17))
    assert opcode == INIT
    # fuse_out_header, fuse_init_out: protocol 7.31, no features, small writes.
    body = struct.pack("=IIIIHHII", 7, 31, 0, 0, 1, 1, 4096, 1).ljust(64, b"\0")
    os.write(fd, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)


servers = [mount(directory) for directory in sys.argv[1:]]
for server in servers:
    answer_init(server)
print("mounted", flush=True)
while True:
    for server in select.select(servers, [], [])[0]:
        os.read(server, 1 << 17)
