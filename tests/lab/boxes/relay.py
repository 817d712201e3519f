"""relay.py: a name server at 127.0.0.1 that asks the one outside."""

import socket

near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
near.bind(("127.0.0.1", 53))
while True:
    asked, peer = near.recvfrom(512)
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.settimeout(2)
    far.sendto(asked, ("192.168.78.2", 53))
    near.sendto(far.recvfrom(512)[0], peer)
