"""Markdown → the blocks of a page that tests execute."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(
    r"^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$|^<!-- python\n(?P<unseen>.*?)^-->$"
    r"|^\|[^\n]*\| request \| answer \|\n\|[-|]+\|\n(?P<rows>(?:\|[^\n]*\n)+)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, Python in a comment, which prepares what a reader need not see, or the rows of a table."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Find the blocks of some languages in a page, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        language = found["language"] or ("python" if found["unseen"] is not None else "table")
        if language in languages:
            group = found.lastgroup or 0  # the one that holds the body
            line = text.count("\n", 0, found.start(group)) + 1
            yield Block(page, line, language, found[group])


def cells(page: str, first: str) -> list[list[str]]:
    """Take apart the rows of a page's table, which is known by the name of its first column."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert found is not None, first
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]
