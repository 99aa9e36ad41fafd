"""SQL expressions that read better as SQL: a template around column expressions.

Templates are constants of the dialects; only column expressions of ours are ever put into them, never a client's text.
"""

from string import Formatter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Template(FunctionElement[Any]):
    """`Template("lower({0}) || '!'", column, type_=Text())`: its `{0}`, `{1}`, … are the given expressions."""

    inherit_cache = False
    name = "template"

    def __init__(self, template: str, *parts: Any, type_: sa.types.TypeEngine[Any] | None = None) -> None:
        super().__init__(*parts)
        self.template = template
        self.type = type_ or sa.Text()


@compiles(Template)
def _compile(element: Template, compiler: SQLCompiler, **options: Any) -> str:
    """Render a part anew wherever it stands: a placeholder in it is counted as often as it is written."""
    parts = [part.self_group() for part in element.clauses]
    template = element.template.replace("%", "%%") if compiler.preparer._double_percents else element.template
    return "".join(
        text if number is None else text + compiler.process(parts[int(number)], **options)
        for text, number, _, _ in Formatter().parse(template)
    )


def quoted(value: str) -> str:
    """Write a constant of ours (never a client's) as an SQL string, fit for a template."""
    return "'" + value.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'"


def identifier(name: str) -> str:
    """Write a name of ours (never a client's) as a quoted SQL identifier, fit for a template."""
    return '"' + name.replace('"', '""').replace("{", "{{").replace("}", "}}") + '"'
