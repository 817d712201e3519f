"""engine.py NAME SOCKET HOW: calls itself NAME, listens on SOCKET, and answers as HOW says."""

import socket
import sys
import time

name, path, how = sys.argv[1:4]
with open("/proc/self/comm", "w", encoding="utf-8") as comm:
    comm.write(name)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
while True:
    if how == "wedged":
        time.sleep(60)
        continue
    client, _ = listener.accept()
    with open(path + ".asked", "a", encoding="utf-8") as asked:
        asked.write("asked\n")
    try:
        client.recv(4096)
        if how == "version":
            body = b'{"Version":"28.2.2","ApiVersion":"1.50","MinAPIVersion":"1.24"}'
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        elif how == "garbage":
            client.sendall(b"\x1b[31m\xff\x00 garbage\r\n\r\n" * 9)
        elif how == "endless":
            client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            while True:
                client.sendall(b" " * 4096)
    except OSError:
        pass
    client.close()
