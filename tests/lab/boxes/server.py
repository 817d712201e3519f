"""server.py ADDRESS FOLDER: what a box reaches outside: /small and /large over HTTP on port 8000, and a name server that knows
every name as ADDRESS."""

import http.server
import pathlib
import socket
import socketserver
import sys
import threading

address, folder = sys.argv[1], pathlib.Path(sys.argv[2]) / "served"
folder.mkdir(exist_ok=True)
(folder / "small").write_bytes(bytes(1000))
(folder / "large").write_bytes(bytes(1000000))


def names():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 53))
    while True:
        asked, peer = sock.recvfrom(512)
        end = asked.index(b"\0", 12) + 5
        of_v4 = asked[end - 4 : end - 2] == b"\0\1"
        head = asked[:2] + b"\x81\x80\0\1" + (b"\0\1" if of_v4 else b"\0\0") + b"\0\0\0\0"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address) if of_v4 else b""
        sock.sendto(head + asked[12:end] + answer, peer)


class Files(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *given):
        super().__init__(*given, directory=str(folder))


threading.Thread(target=names, daemon=True).start()
# Not http.server.HTTPServer: it looks up its own name, and nobody answers.
socketserver.ThreadingTCPServer((address, 8000), Files).serve_forever()
