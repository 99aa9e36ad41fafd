"""The page of the rules says what the rules say. `ONETRIP_UPDATE_GOLDENS=1` writes it anew."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill, indent

from onetrip.migrations.facts import UNKNOWN
from onetrip.migrations.lint.locks import cost
from onetrip.migrations.lint.registry import all_rules
from onetrip.migrations.lint.rule import Judged, called
from tests.docs.markdown import ROOT
from tests.migrations.linted import revision
from tests.migrations.test_plan import STATEMENTS

PAGE = ROOT / "docs" / "migrations-lint.md"
WHERE = {("postgresql",): "PostgreSQL", ("postgresql", "sqlite"): "PostgreSQL and SQLite"}


def described(folder: Path) -> Iterator[str]:
    """Write every rule."""
    for rule in all_rules():
        judged = Judged(revision(folder, rule.example or "pass", name="r1"), heads=("r1", "r2"))
        [found] = rule.find(judged)
        small = ", below 10,000 rows `info`" if rule.sized and rule.level == "error" else ""
        why = fill(f"{WHERE[rule.dialects]}, {rule.level}{small}. {rule.why}", 118, break_on_hyphens=False)
        yield f"### {rule.id}: {rule.title}\n\n{why}\n\n"
        if rule.example:
            code = rule.example.replace("  # and downgrade() is empty", "")
            yield f"Found:\n\n```python\ndef upgrade() -> None:\n{indent(code, '    ')}\n```\n\n"
        yield f"Safe:\n\n```python\n{found.safe}\n```\n\n"


def locks(folder: Path) -> Iterator[str]:
    """Write what was measured."""
    yield "| statement | locks | work |\n|---|---|---|\n"
    for name, code in STATEMENTS.items():
        costs = cost(revision(folder, code, name="r2").up.steps[0], UNKNOWN)
        held = ", ".join(f"{lock} on `{called(table)}`" for table, lock in costs.locks.items()) or "none"
        yield f"| {name} | {held} | {costs.work} |\n"


def filled(page: str, name: str, text: str) -> str:
    """Put a text between two marks of a page."""
    return re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda found: found[1] + text + found[2], page, flags=re.S)


def test_the_page_is_what_the_rules_say(tmp_path: Path) -> None:
    """Every rule, why, an example and its safe form; every lock."""
    page = PAGE.read_text(encoding="utf-8")
    made = filled(page, "locks", "\n" + "".join(locks(tmp_path)) + "\n")
    made = filled(made, "rules", "\n" + "".join(described(tmp_path)))
    if os.environ.get("ONETRIP_UPDATE_GOLDENS") == "1":
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made
    assert made.count("### M") == len(all_rules())
