"""Execute one page: `python -m tests.docs.run PAGE`, with the databases in the environment.

Its Python blocks run in order, as one program. A block that begins with `# name.py` is a file of that program: later
blocks import from it. HTTP blocks, tables of requests and answers, and lines of curl go to the page's `app`, whose
tables are created and filled with the page's `rows`; a page without one speaks of CodeClash. In a process of its own,
because every page may declare a class `User`.
"""

import contextlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from onetrip.cli.searching import create_indexes
from tests.docs import curl
from tests.docs.exchange import Answer, behind, differences, in_a_row, read, read_row
from tests.docs.markdown import Block, blocks
from tests.support.databases import Backend

OWN, CODECLASH = "ONETRIP_DATABASE_URL", "CODECLASH_DATABASE_URL"


def main(page: Path) -> int:
    """Execute a page. Answers how many answers are not as they are shown."""
    names: dict[str, Any] = {"__name__": "__main__"}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        sys.path.insert(0, folder)
        for block in blocks(page, "python", "http", "table", "console"):
            if block.language == "console":
                wrong += transcript(block, names)
            elif block.language in ("http", "table"):
                wrong += exchanges(block, names)
            elif found := re.match(r"# (\w+\.py)\n", block.text):
                Path(found[1]).write_text(block.text, encoding="utf-8")
            else:
                exec(compile("\n" * (block.line - 1) + block.text, block.page, "exec"), names)
    return wrong


def exchanges(block: Block, names: dict[str, Any]) -> int:
    """Send what a block or a table shows, and compare the answers. Counts those that differ."""
    table = block.language == "table"
    wrong, real = 0, Answer("", {}, "")
    with TestClient(application(names), follow_redirects=False) as client:
        for asked, shown in map(read_row, block.text.splitlines()) if table else [read(block.text)]:
            request = behind(asked, real)
            answer = client.request(
                request.method, request.target, headers=request.headers, content=request.body.encode() or None
            )
            real = Answer(f"{answer.status_code} {answer.reason_phrase}", dict(answer.headers), answer.text)
            if found := differences(shown, in_a_row(real) if table else real):
                wrong += 1
                print(f"{block}: {request.method} {request.target}", *found, sep="\n", end="\n\n")
    return wrong


def transcript(block: Block, names: dict[str, Any]) -> int:
    """Do what lines of curl do, and all others on a page that has a `shell`. Counts what is printed otherwise."""
    wrong = 0
    for line, shown in curl.lines(block.text):
        if line.startswith("curl "):
            with TestClient(application(names), base_url=curl.SERVED) as client:
                real = curl.answer(client, line)
        elif "shell" in names:
            real = names["shell"](line).strip()
        else:
            continue
        if found := curl.difference(line, shown, real):
            wrong += 1
            print(f"{block}: {found}")
    return wrong


def application(names: dict[str, Any]) -> Any:
    """Answer the page's application, on a database that has its rows."""
    if "app" not in names:
        names["app"] = codeclash()
    elif "api" in names and not names.get("filled"):
        backend, [metadata] = backend_of(OWN), names["api"].metadata
        backend.create(metadata, *names.get("rows", ()))
        backend.create(names["api"].own_tables)
        with backend.engine().begin() as connection:
            create_indexes(connection, [names["api"]])
        names["filled"] = True
    return names["app"]


def backend_of(variable: str) -> Backend:
    """Answer the database that a variable of the environment names."""
    url = os.environ[variable]
    return Backend(url.partition(":")[0], url)


def codeclash() -> Any:
    """Make the example's application, on a database that holds its rows."""
    os.environ[OWN] = os.environ[CODECLASH]
    from codeclash.main import app

    return app


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()) != 0)
