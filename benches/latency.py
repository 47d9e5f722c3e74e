"""Runs N one-statement scripts behind a proxy that adds 50 ms to each request, through snowops and through schemachange,
against the same fakesnow, and prints wall times, requests a script and their ratio.

    latency.py SNOWOPS_BINARY [SCRIPTS...]

fakesnow 0.12.1 refuses ALTER SESSION SET QUERY_TAG, which schemachange sends: the proxy answers it, and counts it like every
other request.
"""

import gzip
import http.client
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

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
    upstream = 0
    requests = 0
    lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def log_message(self, *_args):
        pass

    def forward(self):
        with self.server.lock:
            self.server.requests += 1
        time.sleep(DELAY)
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        plain = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        if b"SET QUERY_TAG" in plain:
            return self.answer(200, {"content-type": "application/json"}, json.dumps(DONE).encode())
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection", "transfer-encoding")}
        upstream.close()
        return self.answer(answer.status, kept, data)

    def answer(self, status, headers, data):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = forward


def scripts(folder, count):
    folder.mkdir(parents=True)
    for n in range(1, count + 1):
        (folder / f"V{n}__t{n}.sql").write_text(f"CREATE TABLE t{n} (x NUMBER);\n")


def timed(proxy, command, folder, environment):
    before, start = proxy.requests, time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stdout}\n{done.stderr}")
    return time.monotonic() - start, proxy.requests - before


def snowops(proxy, binary, folder, count):
    scripts(folder / "migrations", count)
    place = f"database: OURS_{count}, schema: PUBLIC"
    connection = f"account: bench, user: bench, host: 127.0.0.1, port: {proxy.server_port}, protocol: http"
    (folder / "snowops.yml").write_text(f"environments:\n  dev: {{ connection: {{ {connection} }}, {place} }}\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SNOWFLAKE_PASSWORD": "correct horse"}
    return timed(proxy, [binary, "migrate", "--create-history"], folder, environment)


def schemachange(proxy, folder, count):
    scripts(folder / "scripts", count)
    place = {"account": "bench", "user": "bench", "role": "SYSADMIN", "database": f"THEIRS_{count}", "schema": "PUBLIC"}
    way = {"host": "127.0.0.1", "port": proxy.server_port, "protocol": "http"}
    settings = "".join(f"  {key}: {value}\n" for key, value in (place | way).items())
    table = f"THEIRS_{count}.SCHEMACHANGE.CHANGE_HISTORY"
    own = f"schemachange:\n  root-folder: scripts\n  change-history-table: {table}\n  create-change-history-table: true\n"
    (folder / "schemachange-config.yml").write_text(f"config-version: 2\n{own}snowflake:\n{settings}")
    environment = os.environ | {"HOME": str(folder), "SNOWFLAKE_PASSWORD": "correct horse"}
    command = [str(pathlib.Path(sys.executable).with_name("schemachange")), "deploy", "-L", "ERROR"]
    return timed(proxy, command, folder, environment)


def main():
    found = shutil.which(sys.argv[1]) or sys.exit(f"{sys.argv[1]} is no program")
    binary = str(pathlib.Path(found).resolve())
    server = subprocess.Popen(
        [sys.executable, str(HERE.parent / "tests/python/fakesnow_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    proxy = Proxy(("127.0.0.1", 0), Handler)
    proxy.upstream = int(server.stdout.readline())
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print("the proxy adds 50 ms to each request, and answers ALTER SESSION SET QUERY_TAG, which fakesnow refuses", flush=True)
    for count in [int(n) for n in sys.argv[2:]] or [100, 200]:
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
            (mine, sent), (other, asked) = (
                snowops(proxy, binary, pathlib.Path(ours), count),
                schemachange(proxy, pathlib.Path(theirs), count),
            )
        print(f"{count} scripts of one statement")
        print(f"  snowops      {mine:6.1f} s  {sent:5} requests  {sent / count:5.2f} a script")
        print(f"  schemachange {other:6.1f} s  {asked:5} requests  {asked / count:5.2f} a script")
        print(f"  ratio        {other / mine:6.1f} x")
    server.stdin.close()


main()
