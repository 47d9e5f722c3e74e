"""Prints what Snowflake's Python connector reads: a query's rows as text, as snowops writes cells, and the code of a refusal.

Arguments: port, query, statement that is refused.
"""

import datetime
import json
import sys

import snowflake.connector


def text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper()
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    return str(value)


port, query, wrong = sys.argv[1:]
connection = snowflake.connector.connect(
    account="testkit",
    user="SNOWOPS",
    password="correct horse",
    host="127.0.0.1",
    port=int(port),
    protocol="http",
    database="RETAIL",
    schema="PUBLIC",
    session_parameters={"TIMEZONE": "UTC"},
)
rows = [[text(value) for value in row] for row in connection.cursor().execute(query)]
try:
    connection.cursor().execute(wrong)
except snowflake.connector.errors.ProgrammingError as error:
    code = f"{error.errno:06}"
print(json.dumps([rows, code]))
connection.close()
