"""Called by benches/splitters: prints the comparison as Markdown. Arguments: the snowops binary, a work folder."""

import io
import json
import logging
import pathlib
import re
import subprocess
import sys
from importlib.metadata import version

logging.disable(logging.CRITICAL)
from schemachange.sql_splitter import split_sql_statements  # noqa: E402
from snowflake.connector.util_text import split_statements  # noqa: E402
from sqlglot.dialects.snowflake import Snowflake  # noqa: E402
from sqlglot.tokens import TokenType  # noqa: E402


def snowops_all(binary, rows, work):
    """The pieces of every row, or None where snowops refuses the text."""
    folder = pathlib.Path(work, "inputs")
    folder.mkdir()
    for number, row in enumerate(rows):
        (folder / f"{number:03}.sql").write_text(row["sql"], encoding="utf-8", newline="")
    run = subprocess.run(
        [binary, "render", "--raw", "--statements", str(folder)], capture_output=True, text=True, check=False
    )
    found = [[] for _ in rows]
    for line in run.stdout.splitlines():
        value = json.loads(line)
        number = int(pathlib.Path(value["file"]).stem)
        if "error" in value:
            found[number] = None
        elif found[number] is not None:
            found[number].append(value["text"])
    return found


def sqlglot(text):
    """Cut where its parser begins a new statement: at each semicolon token."""
    pieces, start, end = [], None, None
    for token in Snowflake().tokenize(text):
        if token.token_type == TokenType.SEMICOLON:
            if start is not None:
                pieces.append(text[start : end + 1])
            start = None
        else:
            start = token.start if start is None else start
            end = token.end
    if start is not None:
        pieces.append(text[start : end + 1])
    return pieces


def connector(text):
    return [statement for statement, _ in split_statements(io.StringIO(text))]


PEERS = [("sqlglot", sqlglot), ("connector", connector), ("schemachange", split_sql_statements)]


def essence(piece):
    """Without what differs by custom and harms nobody: blanks, a final semicolon, comments at both ends."""
    before = None
    while piece != before:
        before = piece
        piece = piece.strip("\ufeff \t\r\n;")
        piece = re.sub(r"\A(--|//)[^\n]*\n", "", piece)
        piece = re.sub(r"\A/\*.*?\*/", "", piece, flags=re.S)
        piece = re.sub(r"\s(--|//)[^\n'\"]*\Z", "", piece)
    return piece


def verdict(pieces, wanted):
    if pieces is None:
        return "refused" if wanted is None else "**refused**"
    pieces = [essence(piece) for piece in pieces if piece.strip("; \t\r\n")]
    if wanted is None:
        return f"**not seen**, {len(pieces)}"
    if pieces == wanted:
        return str(len(pieces))
    if len(pieces) == len(wanted):
        return f"**{len(pieces)}, cut elsewhere**"
    return f"**{len(pieces)}**"


def cut(splitter, text):
    try:
        return list(splitter(text))
    except Exception:  # Each has errors of its own; that it refuses the text is what counts.
        return None


def cell(text):
    return text.replace("|", "\\|")


def main():
    binary, work = sys.argv[1:]
    lines = pathlib.Path("tests/data/tricky-splits.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    ours = snowops_all(binary, rows, work)
    table, wrong = [], [0] * (1 + len(PEERS))
    for row, mine in zip(rows, ours):
        found = [mine] + [cut(splitter, row["sql"]) for _, splitter in PEERS]
        verdicts = [verdict(pieces, row["pieces"]) for pieces in found]
        wrong = [count + text.startswith("**") for count, text in zip(wrong, verdicts)]
        meant = "an error" if row["pieces"] is None else str(len(row["pieces"]))
        table.append(" | ".join([cell(row["trap"]), meant, *verdicts]))
    names = ["sqlglot " + version("sqlglot"), "connector " + version("snowflake-connector-python")]
    names.append("schemachange " + version("schemachange"))
    print(
        f"""# Splitters compared

The same {len(rows)} inputs, each made for one trap, through snowops and three other splitters that read Snowflake's SQL:
sqlglot (cut at its semicolon tokens, as its parser does), `split_statements` of Snowflake's Python connector (behind its
`execute_string`), and schemachange's own. A number is how many pieces came out; in **bold** it is not what was
meant. Blanks, a final `;` and comments at both ends of a piece count as nothing; a comment alone counts as a piece.

This page is written by [`benches/splitters`](../../benches/splitters); the inputs, with the pieces that are meant, are in
[`tests/data/tricky-splits.jsonl`](../../tests/data/tricky-splits.jsonl), and a test of snowops holds it to them.

| trap | meant | snowops | {" | ".join(names)} |
| --- | --- | --- | --- | --- | --- |"""
    )
    for line in table:
        print(f"| {line} |")
    print(f"| wrong, of {len(rows)} | | " + " | ".join(str(count) for count in wrong) + " |")


main()
