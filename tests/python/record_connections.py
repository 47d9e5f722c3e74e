"""Records what the Snowflake CLI makes of connection files and variables, for the table test of snowops' own reading.

    python -m venv /tmp/snow && /tmp/snow/bin/pip install snowflake-cli==3.30.0
    /tmp/snow/bin/python tests/python/record_connections.py > tests/data/connections.jsonl

Each case gets a home folder of its own, and the CLI's `sql` command runs there as a process, with the connector's `connect`
replaced: what it is called with is what the CLI decided. `@` in variables stands for the home folder.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

CHILD = """
import json, sys
import snowflake.connector

def connect(**given):
    sys.__stdout__.write("GIVEN " + json.dumps({k: v for k, v in given.items() if not isinstance(v, bytes)}, default=str) + "\\n")
    sys.__stdout__.flush()
    import os
    os._exit(0)

snowflake.connector.connect = connect
from snowflake.cli._app.__main__ import main
sys.argv = ["snow"] + sys.argv[1:]
main()
"""

# What a connection is made of; the CLI adds keys of its own.
KEYS = [
    "account", "user", "password", "host", "port", "protocol", "region", "authenticator", "token", "token_file_path",
    "passcode", "passcode_in_password", "client_request_mfa_token", "role", "warehouse", "database", "schema",
]

HOME = ".snowflake/connections.toml"
CONFIG = ".snowflake/config.toml"
DEV = '[dev]\naccount = "org-file"\nuser = "file"\npassword = "p"\n'
OTHER = '[other]\naccount = "org-other"\nuser = "other"\npassword = "p"\n'


def case(name, files, variables=None, connection="dev", mode=0o600):
    return dict(name=name, files=files, variables=variables or {}, connection=connection, mode=mode)


CASES = [
    # Places.
    case("connections.toml in the home folder", {HOME: DEV}),
    case("config.toml in the home folder", {CONFIG: DEV.replace("[dev]", "[connections.dev]")}),
    case("connections.toml takes the place of config.toml's connections",
         {HOME: OTHER, CONFIG: DEV.replace("[dev]", "[connections.dev]")}),
    case("an empty connections.toml does so too", {HOME: "", CONFIG: DEV.replace("[dev]", "[connections.dev]")}),
    case("both hold it", {HOME: DEV, CONFIG: OTHER.replace("[other]", "[connections.dev]")}),
    case("SNOWFLAKE_HOME", {"sf/connections.toml": DEV, HOME: OTHER}, {"SNOWFLAKE_HOME": "@/sf"}),
    case("SNOWFLAKE_HOME from the home folder", {"sf/connections.toml": DEV}, {"SNOWFLAKE_HOME": "~/sf"}),
    case("SNOWFLAKE_HOME from the current folder", {"sf/connections.toml": DEV}, {"SNOWFLAKE_HOME": "sf"}),
    case("SNOWFLAKE_HOME names no folder", {HOME: OTHER, ".config/snowflake/connections.toml": DEV},
         {"SNOWFLAKE_HOME": "@/nowhere"}),
    case("SNOWFLAKE_HOME is empty", {HOME: DEV}, {"SNOWFLAKE_HOME": ""}),
    case("the system's folder", {".config/snowflake/connections.toml": DEV}),
    case("XDG_CONFIG_HOME", {"xdg/snowflake/connections.toml": DEV}, {"XDG_CONFIG_HOME": "@/xdg"}),
    case("XDG_CONFIG_HOME and a folder in the home folder", {"xdg/snowflake/connections.toml": OTHER, HOME: DEV},
         {"XDG_CONFIG_HOME": "@/xdg"}),
    case("XDG_CONFIG_HOME is empty", {".config/snowflake/connections.toml": DEV}, {"XDG_CONFIG_HOME": ""}),
    # Which connection.
    case("default_connection_name", {HOME: DEV + OTHER, CONFIG: 'default_connection_name = "other"\n'}, connection=None),
    case("SNOWFLAKE_DEFAULT_CONNECTION_NAME", {HOME: DEV + OTHER, CONFIG: 'default_connection_name = "other"\n'},
         {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "dev"}, connection=None),
    case("default_connection_name in connections.toml", {HOME: 'default_connection_name = "other"\n' + DEV + OTHER},
         connection=None),
    case("a connection called default", {HOME: DEV + OTHER.replace("[other]", "[default]")}, connection=None),
    case("no default", {HOME: DEV}, connection=None),
    case("SNOWFLAKE_DEFAULT_CONNECTION_NAME names none", {HOME: DEV},
         {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "nope"}, connection=None),
    case("no such connection", {HOME: OTHER}),
    case("names keep their case", {HOME: DEV}, connection="DEV"),
    case("a name in quotes", {HOME: DEV.replace("[dev]", '["my.dev"]')}, connection="my.dev"),
    case("an inline table", {HOME: 'dev = { account = "org-file", user = "file", password = "p" }\n'}),
    case("dotted keys", {HOME: 'dev.account = "org-file"\ndev.user = "file"\ndev.password = "p"\n'}),
    # Layers.
    case("a variable of the connection over its file", {HOME: DEV}, {"SNOWFLAKE_CONNECTIONS_DEV_USER": "named"}),
    case("the file over a general variable", {HOME: DEV}, {"SNOWFLAKE_USER": "general"}),
    case("a general variable for what is missing", {HOME: DEV}, {"SNOWFLAKE_ROLE": "general", "SNOWFLAKE_WAREHOUSE": "wh"}),
    case("all three", {HOME: DEV}, {"SNOWFLAKE_USER": "general", "SNOWFLAKE_CONNECTIONS_DEV_USER": "named"}),
    case("in variables alone", {HOME: OTHER},
         {"SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT": "org-var", "SNOWFLAKE_CONNECTIONS_DEV_USER": "named",
          "SNOWFLAKE_CONNECTIONS_DEV_PASSWORD": "p"}),
    case("in variables alone, without any file", {},
         {"SNOWFLAKE_CONNECTIONS_DEV_ACCOUNT": "org-var", "SNOWFLAKE_CONNECTIONS_DEV_USER": "named",
          "SNOWFLAKE_CONNECTIONS_DEV_PASSWORD": "p"}),
    case("variables of another connection", {HOME: DEV}, {"SNOWFLAKE_CONNECTIONS_OTHER_USER": "named"}),
    case("variables of a name in mixed case", {HOME: DEV.replace("[dev]", "[Dev]")},
         {"SNOWFLAKE_CONNECTIONS_DEV_USER": "named"}, connection="Dev"),
    case("variables of a name with a hyphen", {HOME: DEV.replace("[dev]", "[my-dev]")},
         {"SNOWFLAKE_CONNECTIONS_MY-DEV_USER": "named"}, connection="my-dev"),
    case("variables of a longer name", {HOME: DEV}, {"SNOWFLAKE_CONNECTIONS_DEV_EU_USER": "named"}),
    case("an empty variable of the connection", {HOME: DEV}, {"SNOWFLAKE_CONNECTIONS_DEV_USER": ""}),
    case("an empty general variable", {HOME: DEV}, {"SNOWFLAKE_ROLE": ""}),
    case("an empty key of the file", {HOME: DEV + 'role = ""\n'}, {"SNOWFLAKE_ROLE": "general"}),
    case("a variable in small letters", {HOME: DEV}, {"snowflake_role": "general"}),
    case("the CLI's newer configuration", {HOME: DEV},
         {"SNOWFLAKE_USER": "general", "SNOWFLAKE_CLI_CONFIG_V2_ENABLED": "1"}),
    # Keys.
    case("host, port and protocol", {HOME: DEV + 'host = "h.example"\nport = 8443\nprotocol = "https"\n'}),
    case("host and port in variables", {HOME: DEV}, {"SNOWFLAKE_HOST": "h.example", "SNOWFLAKE_PORT": "8443"}),
    case("a port that is a text", {HOME: DEV + 'port = "8443"\n'}),
    case("a region in the file", {HOME: DEV + 'region = "west-europe.azure"\n'}),
    case("a region in a variable", {HOME: DEV}, {"SNOWFLAKE_REGION": "west-europe.azure"}),
    case("role, warehouse, database and schema",
         {HOME: DEV + 'role = "r"\nwarehouse = "w"\ndatabase = "d"\nschema = "s"\n'}),
    case("a token in a variable", {HOME: '[dev]\naccount = "a-b"\nuser = "u"\nauthenticator = "OAUTH"\n'},
         {"SNOWFLAKE_TOKEN": "t"}),
    case("a token's file in a variable", {HOME: '[dev]\naccount = "a-b"\nuser = "u"\nauthenticator = "OAUTH"\n', "tok": "t"},
         {"SNOWFLAKE_TOKEN_FILE_PATH": "@/tok"}),
    case("an authenticator in a variable", {HOME: '[dev]\naccount = "a-b"\nuser = "u"\ntoken = "t"\n'},
         {"SNOWFLAKE_AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN"}),
    case("a kept second factor", {HOME: DEV + 'authenticator = "username_password_mfa"\npasscode = "123456"\n'}),
    case("a passcode in a variable of the connection", {HOME: DEV}, {"SNOWFLAKE_CONNECTIONS_DEV_PASSCODE": "123456"}),
    case("a passcode in a general variable", {HOME: DEV}, {"SNOWFLAKE_PASSCODE": "123456"}),
    case("a passcode at the password's end", {HOME: DEV + "passcode_in_password = true\n"}),
    # Files.
    case("lines that end as on Windows", {HOME: DEV.replace("\n", "\r\n")}),
    case("a byte-order mark", {HOME: "\ufeff" + DEV}),
    case("others may read it", {HOME: DEV}, mode=0o644),
    case("the group may read it", {HOME: DEV}, mode=0o640),
    case("others may read it, and nobody minds", {HOME: DEV},
         {"SF_SKIP_WARNING_FOR_READ_PERMISSIONS_ON_CONFIG_FILE": "true"}, mode=0o644),
    case("others may change it", {HOME: DEV}, mode=0o602),
    case("no TOML", {HOME: "[dev\n"}),
]


def run(given):
    with tempfile.TemporaryDirectory() as home:
        for path, text in given["files"].items():
            file = pathlib.Path(home, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
            file.chmod(given["mode"])
        variables = {name: value.replace("@", home) for name, value in given["variables"].items()}
        environment = {"HOME": home, "PATH": os.environ["PATH"], **variables}
        chosen = ["-c", given["connection"]] if given["connection"] else []
        command = [sys.executable, "-c", CHILD, "sql", "-q", "select 1", *chosen]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=120)
        for line in done.stdout.splitlines():
            if line.startswith("GIVEN "):
                found = json.loads(line[len("GIVEN "):])
                kept = {key: found[key] for key in KEYS if key in found}
                return {"given": json.loads(json.dumps(kept).replace(home, "@"))}
        # The message stands in a box, behind warnings.
        words = " ".join((done.stdout + done.stderr).replace("│", " ").split())
        words = words.rpartition("╮")[2].strip("╰╯─ ").replace(home, "@")
        return {"refused": words[:120]}


if __name__ == "__main__":
    from importlib.metadata import version

    print(json.dumps({"snowflake-cli": version("snowflake-cli")}))
    for each in CASES:
        print(json.dumps({**each, **run(each)}))
        sys.stdout.flush()
