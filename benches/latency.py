"""Runs N one-statement scripts behind a proxy that adds 50 ms to each request, through snowops and through schemachange,
against the same fakesnow, and prints wall times, requests a script, where the time went, and the ratio.

    latency.py SNOWOPS_BINARY [--rounds R] [--whole-context] [SCRIPTS...]

Each round runs the two one after the other. fakesnow 0.12.1 refuses ALTER SESSION SET QUERY_TAG, which schemachange sends: the
proxy answers it, and counts it like every other request. Snowflake's login says which role and warehouse a session has, and
schemachange then sets both before and after each script; fakesnow's does not. With --whole-context the proxy says it in
its place.
"""

import argparse
import gzip
import http.client
import http.server
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

DELAY = 0.050
HERE = pathlib.Path(__file__).resolve().parent
DONE = {
    "data": {
        "parameters": [],
        "rowtype": [{"name": "status", "nullable": True, "type": "text", "length": 64, "byteLength": 256, "precision": None, "scale": None}],
        "rowset": [["Statement executed successfully."]],
        "total": 1,
        "returned": 1,
        "queryId": "00000000-0000-0000-0000-000000000000",
        "queryResultFormat": "json",
        "statementTypeId": 16384,
    },
    "success": True,
}


class Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True
    lock = threading.Lock()
    upstream = 0
    whole_context = False
    requests = 0
    slept = 0.0
    served = 0.0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: Proxy

    def setup(self):
        super().setup()
        # Kept as long as the client keeps its own.
        self.upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        self.used = 0.0

    def finish(self):
        self.upstream.close()
        super().finish()

    def log_message(self, *_args):
        pass

    def forward(self):
        start = time.monotonic()
        time.sleep(DELAY)
        awake = time.monotonic()
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, headers, data = self.ask(body)
        end = time.monotonic()
        with self.server.lock:
            self.server.requests += 1
            self.server.slept += awake - start
            self.server.served += end - awake
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def ask(self, body):
        plain = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        if b"SET QUERY_TAG" in plain:
            return 200, {"content-type": "application/json"}, json.dumps(DONE).encode()
        if time.monotonic() - self.used > 2:
            self.upstream.close()  # before the server does: after 5 s without a request
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        self.upstream.request(self.command, self.path, body, headers)
        answer = self.upstream.getresponse()
        data = answer.read()
        self.used = time.monotonic()
        if self.server.whole_context and self.path.startswith("/session/v1/login-request"):
            data = self.with_context(data)
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection", "transfer-encoding")}
        return answer.status, kept, data

    def with_context(self, data):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        answer = json.loads(data)
        for key, name in (("roleName", "roleName"), ("warehouseName", "warehouse")):
            answer["data"]["sessionInfo"][key] = asked.get(name, [None])[0]
        return json.dumps(answer).encode()

    do_GET = do_POST = forward


class Ran:
    """What one tool took."""

    def __init__(self, proxy, command, folder, environment):
        proxy.requests, proxy.slept, proxy.served = 0, 0.0, 0.0
        start = time.monotonic()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        self.wall = time.monotonic() - start
        if done.returncode != 0:
            sys.exit(f"{command[0]} failed: {done.stdout}\n{done.stderr}")
        self.requests, self.slept, self.served = proxy.requests, proxy.slept, proxy.served

    def show(self, name, count):
        beyond, served = ((time / self.requests * 1000) for time in (self.wall - self.requests * DELAY, self.served))
        print(
            f"  {name:12} {self.wall:6.1f} s  {self.requests:5} requests  {self.requests / count:5.2f} a script"
            f"  {beyond:5.1f} ms a request beyond the 50, {served:4.1f} in fakesnow",
            flush=True,
        )


def scripts(folder, count):
    folder.mkdir(parents=True)
    for n in range(1, count + 1):
        (folder / f"V{n}__t{n}.sql").write_text(f"CREATE TABLE t{n} (x NUMBER);\n")


def snowops(proxy, binary, folder, name, count):
    scripts(folder / "migrations", count)
    place = f"database: OURS_{name}, schema: PUBLIC, role: SYSADMIN, warehouse: DEPLOY_XS"
    connection = f"account: bench, user: bench, host: 127.0.0.1, port: {proxy.server_port}, protocol: http"
    (folder / "snowops.yml").write_text(f"environments:\n  dev: {{ connection: {{ {connection} }}, {place} }}\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SNOWFLAKE_PASSWORD": "correct horse"}
    return Ran(proxy, [binary, "migrate", "--create-history"], folder, environment)


def schemachange(proxy, folder, name, count):
    scripts(folder / "scripts", count)
    place = {"account": "bench", "user": "bench", "role": "SYSADMIN", "warehouse": "DEPLOY_XS", "database": f"THEIRS_{name}", "schema": "PUBLIC"}
    way = {"host": "127.0.0.1", "port": proxy.server_port, "protocol": "http"}
    settings = "".join(f"  {key}: {value}\n" for key, value in (place | way).items())
    table = f"THEIRS_{name}.SCHEMACHANGE.CHANGE_HISTORY"
    own = f"schemachange:\n  root-folder: scripts\n  change-history-table: {table}\n  create-change-history-table: true\n"
    (folder / "schemachange-config.yml").write_text(f"config-version: 2\n{own}snowflake:\n{settings}")
    environment = os.environ | {"HOME": str(folder), "SNOWFLAKE_PASSWORD": "correct horse"}
    command = [str(pathlib.Path(sys.executable).with_name("schemachange")), "deploy", "-L", "ERROR"]
    return Ran(proxy, command, folder, environment)


def rounds(proxy, binary, number, count):
    ratios = []
    for turn in range(1, number + 1):
        name = f"{count}_{turn}"
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
            mine = snowops(proxy, binary, pathlib.Path(ours), name, count)
            other = schemachange(proxy, pathlib.Path(theirs), name, count)
        print(f"{count} scripts of one statement, round {turn}")
        mine.show("snowops", count)
        other.show("schemachange", count)
        ratios.append(other.wall / mine.wall)
        outside, requests = (other.wall - other.served) / (mine.wall - mine.served), other.requests / mine.requests
        print(f"  ratio        {ratios[-1]:6.2f} x; without the time in fakesnow {outside:.2f} x, by requests {requests:.2f} x", flush=True)
    print(f"{count} scripts: median {statistics.median(ratios):.2f} x, from {min(ratios):.2f} to {max(ratios):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole-context", action="store_true")
    parser.add_argument("scripts", type=int, nargs="*", default=[100, 200])
    arguments = parser.parse_intermixed_args()
    found = shutil.which(arguments.binary) or sys.exit(f"{arguments.binary} is no program")
    server = subprocess.Popen(
        [sys.executable, str(HERE.parent / "tests/python/fakesnow_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    proxy = Proxy(("127.0.0.1", 0), Handler)
    proxy.upstream = int(server.stdout.readline())
    proxy.whole_context = arguments.whole_context
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print("the proxy adds 50 ms to each request, and answers ALTER SESSION SET QUERY_TAG, which fakesnow refuses", flush=True)
    for count in arguments.scripts:
        rounds(proxy, str(pathlib.Path(found).resolve()), arguments.rounds, count)
    server.stdin.close()


main()
