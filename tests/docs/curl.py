"""Lines of curl and what they print, as pages show them, and whether an application answers so.

    $ curl -s http://127.0.0.1:8000/posts --json '{"title": "Notes"}'
    {"id": 1, "title": "Notes"}

JSON is compared as values with the order of its keys, all else as text, in which `…` stands for anything. A line that
ends with a backslash goes on in the next one.
"""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from fastapi.testclient import TestClient

SERVED = "http://127.0.0.1:8000"


def asked(console: str) -> list[tuple[str, str]]:
    """Choose the lines that ask an application."""
    return [(command, printed) for command, printed in lines(console) if command.startswith("curl ")]


def lines(console: str) -> Iterator[tuple[str, str]]:
    """Take apart a block: each line of a shell, and what stands below it."""
    for entry in re.split(r"^\$ ", console.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, _, printed = entry.partition("\n")
        yield command, printed.strip()


def difference(command: str, shown: str, real: str) -> str | None:
    """Say how what a line prints differs from what is shown."""
    if value(shown) == value(real) or re.fullmatch(".*".join(map(re.escape, shown.split("…"))), real, re.DOTALL):
        return None
    return f"$ {command}\nshown is\n{shown}\nit is\n{real}\n"


def answer(client: TestClient, command: str) -> str:
    """Send what curl sends, and write what it writes."""
    program, *arguments = shlex.split(command)
    assert program == "curl", command
    options = iter(arguments)
    method, target, body, headed, follow = None, "", None, False, False
    headers: dict[str, str] = {}
    for option in options:
        match option:
            case "-s" | "-si" | "-sL":
                headed, follow = option == "-si", option == "-sL"
            case "-X":
                method = next(options)
            case "-H":
                headers |= [next(options).split(": ")]
            case "--json":
                body = next(options)
                headers |= {"Content-Type": "application/json"}
            case _:
                assert option.startswith(f"{SERVED}/"), command
                target = option.removeprefix(SERVED)
    method = method or ("GET" if body is None else "POST")
    got = client.request(method, target, content=body, headers=headers, follow_redirects=follow)
    head = "".join(f"{name}: {text}\n" for name, text in got.headers.items())
    status = f"HTTP/1.1 {got.status_code} {got.reason_phrase}\n{head}\n"
    return (f"{status}{got.text}" if headed else got.text).strip()


def value(text: str) -> Any:
    """Read JSON with the order of its keys, or take the text as it is."""
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: pairs)
    except ValueError:
        return text
