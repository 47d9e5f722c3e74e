"""Serves fakesnow on a free port of this machine, prints the port, and ends when its standard input does."""

import os
import socket
import sys
import threading

import uvicorn
from fakesnow.server import app

sock = socket.socket()
sock.bind(("127.0.0.1", 0))
sock.listen()  # requests that come early wait
print(sock.getsockname()[1], flush=True)


def end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[sock])
