"""The page about the doctor, and the checks that there are."""

from onetrip.doctor.examine import all_checks
from onetrip.scaffold.fields import GENERATED, TYPES
from tests.docs.markdown import ROOT, cells


def test_every_check_is_explained() -> None:
    """Each has its line, with the level that it has unless it says otherwise."""
    rows = {row[0]: row[1] for row in cells("doctor.md", "check")}
    assert rows.keys() == {check.id for check in all_checks()}
    assert all(rows[check.id].startswith(check.level) or check.level in rows[check.id] for check in all_checks())


def test_every_type_of_a_column_is_explained() -> None:
    """Each type of `onetrip add` stands in the table, with the words that stand for a default."""
    text = (ROOT / "docs" / "new-project.md").read_text(encoding="utf-8")
    table = text.partition("| type | Python |")[2].partition("\n\n")[0]
    for word in TYPES:
        assert f"`{word}`" in table
    for word, default in GENERATED:
        [row] = [line for line in table.splitlines() if line.startswith(f"| `{word}`")]
        assert f"`{default}`" in row
