"""What `docs/serve.md` shows is what happens, in the order of the page."""

import re
import shutil
import sqlite3
from pathlib import Path

from tests.cli.conftest import Command
from tests.cli.serving import served, write
from tests.docs.markdown import ROOT, blocks
from tests.support.shared import CHINOOK, needs_chinook

PAGE = ROOT / "docs" / "serve.md"
SECONDS = re.compile(r"\d+\.\d s\b")


@needs_chinook
def test_the_page_shows_what_happens(command: Command, here: Path) -> None:
    """Every command prints what stands below it, but for ports and seconds."""
    files = {block.text.split()[1]: block.text for block in blocks(PAGE, "python")}
    write(here, {"shop/__init__.py": ""} | {f"shop/{name}": text for name, text in files.items()})
    shutil.copyfile(CHINOOK / "chinook.sqlite", here / "chinook.sqlite")
    for block in blocks(PAGE, "console"):
        typed, _, shown = block.text.partition("\n")
        if not typed.startswith("$ onetrip serve ") or "shop.main" in typed:
            continue  # what other commands print, and what an application does, is for tests of their own
        arguments = typed.removeprefix("$ onetrip serve ").split()
        if shown.startswith("Error: "):
            printed = command("serve", *arguments, "--port", "0").errors
        else:
            with served(*arguments, folder=here) as server:
                printed = (server.errors + server.output).replace(server.url, "http://127.0.0.1:8000")
        assert SECONDS.sub("… s", printed.strip()) == SECONDS.sub("… s", shown.strip()), str(block)
        if "created now" in shown:
            with sqlite3.connect(here / "shop.db") as connection:
                connection.execute("ALTER TABLE customer ADD COLUMN phone TEXT")
            connection.close()
