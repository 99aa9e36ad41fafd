"""What `docs/serve.md` shows is what happens, in the order of the page."""

import re
import shutil
import sqlite3
from pathlib import Path

from tests.cli.serving import run, served, write
from tests.docs.markdown import ROOT, blocks
from tests.support.shared import CHINOOK, needs_chinook

PAGE = ROOT / "docs" / "serve.md"
SECONDS = re.compile(r"\d+\.\d s\b")


@needs_chinook
def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    """Every command prints what stands below it, but for ports and seconds."""
    files = {block.text.split()[1]: block.text for block in blocks(PAGE, "python")}
    write(tmp_path, {"shop/__init__.py": ""} | {f"shop/{name}": text for name, text in files.items()})
    shutil.copyfile(CHINOOK / "chinook.sqlite", tmp_path / "chinook.sqlite")
    for block in blocks(PAGE, "console"):
        command, _, shown = block.text.partition("\n")
        arguments = command.removeprefix("$ onetrip serve ").split()
        if shown.startswith("Error: "):
            printed = run("serve", *arguments, "--port", "0", folder=tmp_path).stderr
        else:
            with served(*arguments, folder=tmp_path) as server:
                printed = (server.errors + server.output).replace(server.url, "http://127.0.0.1:8000")
        assert SECONDS.sub("… s", printed.strip()) == SECONDS.sub("… s", shown.strip()), str(block)
        if "created now" in shown:
            with sqlite3.connect(tmp_path / "shop.db") as connection:
                connection.execute("ALTER TABLE customer ADD COLUMN phone TEXT")
            connection.close()
