"""Records what Snowflake's own connector asks of the protocol server, step by step, into tests/data/parity.jsonl.

Needs the packages of parity-requirements.txt and cargo; docs/reference/verified-on.md says how to run it. Each step has a server of
its own, which writes its requests with marks for what differs from run to run.
"""

import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = dict(os.environ)
HOME = tempfile.TemporaryDirectory()
# No file of the person who records is read, none is left behind.
os.environ.update(HOME=HOME.name, SNOWFLAKE_HOME=HOME.name, XDG_CACHE_HOME=HOME.name, SF_TELEMETRY_DISABLED="true")

import snowflake.connector  # noqa: E402
import snowflake.connector.aio  # noqa: E402

snowflake.connector.paramstyle = "qmark"
KEY = ROOT / "tests/golden/session/keys/plain.p8"
SERVICE = {"user": "SNOWOPS"}
PASSWORD = {**SERVICE, "password": "correct horse"}
HUMAN = {"user": "HUMAN", "password": "correct horse"}
PLACE = {"role": "DEPLOYER", "warehouse": "DEPLOY_XS", "database": "RETAIL", "schema": "PUBLIC"}


def login(*, times=1, **credential):
    def step(connect, _):
        for _ in range(times):
            connect(**credential).close()

    return step


def statement(text, values=None, **parameters):
    def step(connect, _):
        connection = connect(**PASSWORD)
        connection.cursor().execute(text, values, _statement_params=parameters).fetchall()
        connection.close()

    return step


def abort(_, address):
    async def run():
        connection = await snowflake.connector.aio.connect(**address, **PASSWORD)
        statement = asyncio.create_task(connection.cursor().execute("SELECT 'endless'"))
        # The server holds its answer for a second.
        await asyncio.sleep(0.4)
        statement.cancel()
        try:
            await statement
        except asyncio.CancelledError:
            pass
        await connection.close()

    asyncio.run(run())


def rows_in_parts(connect, _):
    connection = connect(**PASSWORD, **PLACE)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE parity (n INTEGER)")
    cursor.execute("INSERT INTO parity VALUES (1), (2), (3)")
    assert len(cursor.execute("SELECT n FROM parity ORDER BY n").fetchall()) == 3
    connection.close()


def heartbeat(connect, _):
    connection = connect(**PASSWORD)
    assert connection.is_valid()
    connection.close()


STEPS = {
    "login_password": login(**PASSWORD),
    "login_passcode": login(**HUMAN, passcode="123456"),
    "login_passcode_in_password": login(user="HUMAN", password="correct horse123456", passcode_in_password=True),
    "login_second_factor_kept": login(
        **HUMAN, times=2, passcode="123456", authenticator="USERNAME_PASSWORD_MFA", client_request_mfa_token=True
    ),
    "login_key_pair": login(**SERVICE, authenticator="SNOWFLAKE_JWT", private_key_file=str(KEY)),
    "login_access_token": login(**SERVICE, authenticator="PROGRAMMATIC_ACCESS_TOKEN", token="access-token"),
    "login_oauth": login(**SERVICE, authenticator="OAUTH", token="oauth-token"),
    "login_context": login(**PASSWORD, **PLACE, secondary_roles="NONE"),
    "login_unavailable": login(**PASSWORD),
    "submit": statement("SELECT 1", QUERY_TAG="parity", STATEMENT_TIMEOUT_IN_SECONDS=120),
    "binds": statement("SELECT ?, ?, ?, ?", ("text", -7, True, None)),
    "rows_in_parts": rows_in_parts,
    "unavailable": statement("SELECT 1"),
    "busy": statement("SELECT 1"),
    "renewal": statement("SELECT 1"),
    "poll": statement("SELECT 'slow'"),
    "renewal_while_polling": statement("SELECT 'slow'"),
    "abort": abort,
    "heartbeat": heartbeat,
    "logout": login(**PASSWORD),
}


def record(name, step):
    log = pathlib.Path(HOME.name, "log.jsonl")
    command = ["cargo", "run", "--quiet", "-p", "testkit", "--", "--port", "0", "--log", str(log), "--parity", name]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    port = int(server.stdout.readline().rsplit(":", 1)[1])

    address = {
        "account": "TESTKIT",
        "host": "127.0.0.1",
        "port": port,
        "protocol": "http",
        # Those that snowops sets.
        "session_parameters": {
            "TIMEZONE": "UTC",
            "ABORT_DETACHED_QUERY": False,
            "AUTOCOMMIT": True,
            "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
        },
        "enable_server_session_keep_alive_auto_detection": False,
    }
    try:
        step(lambda **given: snowflake.connector.connect(**address, **given), address)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
    return log.read_text()



def main():
    recording = "".join(record(name, step) for name, step in STEPS.items())
    (ROOT / "tests/data/parity.jsonl").write_text(recording)


main()
