"""Scripts are laid out as `ruff format` does it."""

import pytest

from onetrip.migrations.layout import escaped, imported, lay_out, quoted


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "    pass"),
        ("# a comment\n    pass", "    pass"),
        ("op.drop_table('a')", '    op.drop_table("a")'),
        ("op.execute('say \\'x\\'')", "    op.execute(\"say 'x'\")"),
        ("op.execute('\"a\"')", "    op.execute('\"a\"')"),
        (
            "with op.batch_alter_table('a', schema=None) as b:\n        b.drop_column('x')\n    op.f('b')",
            '    with op.batch_alter_table("a", schema=None) as b:\n        b.drop_column("x")\n\n    op.f("b")',
        ),
        (
            f"op.create_index('{'i' * 50}', '{'t' * 16}', ['a', 'b'], unique=False)",
            f'    op.create_index("{"i" * 50}", "{"t" * 16}", ["a", "b"], unique=False)',
        ),
        (
            f"op.create_index('{'i' * 60}', '{'t' * 34}', ['a', 'b'])",
            f'    op.create_index(\n        "{"i" * 60}", "{"t" * 34}", ["a", "b"]\n    )',
        ),
        (
            f"op.create_index('{'i' * 60}', '{'t' * 60}', [{{'a': 1}}, ('b',)])",
            f'    op.create_index(\n        "{"i" * 60}",\n        "{"t" * 60}",\n        [{{"a": 1}}, ("b",)],\n    )',
        ),
        ("x = 1", "    x = 1"),
    ],
)
def test_statements_are_laid_out(source: str, expected: str) -> None:
    """On one line; else what is in brackets on the next; else each on its own."""
    assert lay_out(source) == expected


def test_what_is_used_is_imported() -> None:
    """And both for somebody who writes the revision."""
    assert imported("op.drop_table('a')") == "from alembic import op"
    assert imported("sa.Text()", None) == "import sqlalchemy as sa\n\nfrom alembic import op"
    assert (
        imported("op.f(postgresql.JSONB())") == "from sqlalchemy.dialects import postgresql\n\nfrom alembic import op"
    )
    assert imported(None, None) == "import sqlalchemy as sa\n\nfrom alembic import op"


def test_texts_are_escaped() -> None:
    """A message may hold what would end a docstring."""
    for message in ('say "hello"', 'a """ b', "back\\slash", "plain"):
        assert eval(f'"""{escaped(message)}"""') == message
    assert quoted(("a", None)) == '("a", None)'
    assert quoted("it's") == '"it\'s"'
