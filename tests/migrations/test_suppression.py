"""Findings that a comment allows, with its reason."""

from pathlib import Path

import pytest

from tests.migrations.linted import findings, revision, whole

DROP = "op.drop_column('post', 'body')"
ALLOW = '# migrate: allow M11 reason="nobody reads it"'


def found(folder: Path, code: str) -> list[tuple[str, str]]:
    return [(each.rule, each.level) for each in findings(revision(folder, code))]


@pytest.mark.parametrize(
    "code",
    [
        f"{DROP}  {ALLOW}",
        f"{ALLOW}\n{DROP}",
        f"{ALLOW}\nop.drop_column(\n    'post',\n    'body',\n)",
        f"op.drop_column(\n    'post',  {ALLOW}\n    'body',\n)",
        f"with op.batch_alter_table('post') as batch:\n    {ALLOW}\n    batch.drop_column('body')",
        f"op.execute('SELECT 1')\n\n{ALLOW}\n\n{DROP}",
    ],
)
def test_a_comment_with_a_reason_allows(code: str, tmp_path: Path) -> None:
    """On the line, above it, or within the statement."""
    assert found(tmp_path, code) == []


def test_it_allows_one_statement_and_one_rule(tmp_path: Path) -> None:
    two = f"{ALLOW}\n{DROP}\nop.drop_column('post', 'title')"
    assert found(tmp_path, two) == [("M11", "error")]
    both = f"# migrate: allow M11, M21 reason=\"small\"\n{DROP}\nop.drop_column('author', 'name')  {ALLOW}"
    assert found(tmp_path, both) == []


def test_outside_of_a_function_it_is_for_the_file(tmp_path: Path) -> None:
    made = whole(tmp_path, f"{ALLOW}\n\n\ndef upgrade():\n    {DROP}\n    op.drop_table('t')")
    assert [each.rule for each in findings(made)] == ["M21"]


@pytest.mark.parametrize("reason", ["", ' reason=""', ' reason="  "', " because I say so"])
def test_without_a_reason_nothing_is_allowed(reason: str, tmp_path: Path) -> None:
    code = f"# migrate: allow M11{reason}\n{DROP}"
    made = findings(revision(tmp_path, code))
    assert [(each.rule, each.level) for each in made] == [("M00", "error"), ("M11", "error")]
    assert made[0].message == "M11 is allowed without a reason, so it is not"
    assert made[0].line is not None and made[1].line == made[0].line + 1


def test_a_comment_that_allows_nothing_is_told(tmp_path: Path) -> None:
    """The rule that is not there, also beside one that is; and a comment without a rule."""
    assert found(tmp_path, f"{ALLOW}\nop.execute('SELECT 1')") == [("M00", "warning")]
    made = findings(revision(tmp_path, f'# migrate: allow M11 M01 reason="x"\n{DROP}'))
    assert [each.message for each in made] == ["M01 is allowed here, and nothing is found"]
    assert found(tmp_path, 'op.execute("SELECT 1")  # migrate: allow reason="x"') == [("M00", "error")]


def test_a_rule_of_another_database_may_be_allowed_for_it(tmp_path: Path) -> None:
    """One history may serve both: M01 is PostgreSQL's alone, M11 is not."""
    code = '# migrate: allow M01, M11 reason="x"\nop.execute("SELECT 1")'
    for name, allowed in (("postgresql", ["M01", "M11"]), ("sqlite", ["M11"])):
        made = findings(revision(tmp_path, code, dialect=name, name=name))
        assert [each.message.split()[0] for each in made if each.rule == "M00"] == allowed


def test_text_that_looks_like_a_comment_is_none(tmp_path: Path) -> None:
    code = f"op.execute('''SELECT 1 {ALLOW}''')\n{DROP}"
    assert found(tmp_path, code) == [("M11", "error")]
