"""Markdown → the blocks of a page that tests execute."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_BLOCK = re.compile(
    r"^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```$|^<!-- python\n(?P<unseen>.*?)^-->$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, or Python in a comment, which prepares what a reader need not see."""

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
        language, body = found["language"] or "python", found["text"] if found["language"] else found["unseen"]
        if language in languages:
            yield Block(page, text.count("\n", 0, found.start()) + 2, language, body)
