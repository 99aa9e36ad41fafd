"""How much code the documentation says there is, and that the example stays small."""

import pytest

from tests.docs.markdown import ROOT, cells

CODECLASH = ("examples/codeclash/models.py", "examples/codeclash/main.py", "examples/codeclash/registration.py")
BY_HAND = ("benchmarks/contestants/handwritten.py", "benchmarks/models.py")


def lines(*files: str) -> int:
    """Count the lines that are not empty."""
    texts = ((ROOT / file).read_text(encoding="utf-8") for file in files)
    return sum(bool(line.strip()) for text in texts for line in text.splitlines())


@pytest.mark.parametrize(("row", "files"), [(0, CODECLASH), (1, BY_HAND)], ids=["codeclash", "by hand"])
def test_what_is_counted_is_what_is_said(row: int, files: tuple[str, ...]) -> None:
    """The page about the tutorials compares the example with code that is written by hand, rounded up to about tens."""
    assert 0 <= int(cells("from-the-tutorials.md", "counted")[row][1]) - lines(*files) < 20


def test_the_example_is_small() -> None:
    """Tables, application and hooks of CodeClash: whatever is a module of it and neither rows nor tests."""
    rows = {"__init__.py", "seed.py", "writing.py"}
    modules = {path.name for path in (ROOT / "examples" / "codeclash").glob("*.py")} - rows
    assert lines(*(f"examples/codeclash/{name}" for name in modules)) <= 150
