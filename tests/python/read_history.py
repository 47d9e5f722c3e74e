"""Prints a schema history as JSON lines, read with Snowflake's Python connector. Arguments: port, database, table."""

import json
import sys

import snowflake.connector

port, database, table = sys.argv[1:]
connection = snowflake.connector.connect(
    account="fakesnow",
    user="snowops",
    password="correct horse",
    host="127.0.0.1",
    port=int(port),
    protocol="http",
    database=database,
    schema="SNOWOPS",
)
columns = ["installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "success"]
names = ", ".join(f'"{column}"' for column in columns)
for row in connection.cursor().execute(f'SELECT {names} FROM "{table}" ORDER BY "installed_rank"'):
    print(json.dumps(dict(zip(columns, row)), default=str))
connection.close()
