"""How types are written in a revision: by SQLAlchemy's own names, so that a script outlives the code it came from."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.dialects.postgresql import ENUM, JSON


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write what a type of somebody's own is stored as, and enums; leave all else to Alembic."""
    if kind != "type":
        return False
    if isinstance(item, sa.types.TypeDecorator) and not _is_sqlalchemy(item):
        return render._repr_type(stored(item), context)
    if isinstance(item, sa.ARRAY) and not item._variant_mapping:
        return _array(item, context)
    if isinstance(item, sa.JSON) and not item._variant_mapping:
        return _document(item, context)
    if isinstance(item, sa.Boolean) and item.create_constraint:
        return "sa.Boolean()"
    if isinstance(item, sa.Enum) and not item._variant_mapping:
        return _enum(item, context)
    return False


def stored(item: Any) -> sa.types.TypeEngine[Any]:
    """Answer the type that the database has, with its variants."""
    while isinstance(item, sa.types.TypeDecorator) and not _is_sqlalchemy(item):
        variants = item._variant_mapping
        item = item.impl_instance
        for dialect, variant in variants.items():
            item = item.with_variant(variant, dialect)
    return item  # type: ignore[no-any-return]


def _enum(item: sa.Enum, context: AutogenContext) -> str:
    """Name the values. A type and a CHECK of their own are made and dropped by statements of the script."""
    values = [repr(str(each)) for each in item.enums]
    if item.native_enum and context.dialect is not None and context.dialect.name == "postgresql":
        context.imports.add("from sqlalchemy.dialects import postgresql")
        schema = [f"schema={item.schema!r}"] if item.schema else []
        return f"postgresql.ENUM({', '.join([*values, f'name={item.name!r}', *schema, 'create_type=False'])})"
    name = [f"name={str(item.name)!r}"] if item.name else []
    length = [] if item.native_enum or isinstance(item, ENUM) else ["native_enum=False", f"length={item.length!r}"]
    return f"sa.Enum({', '.join([*values, *name, *length])})"


def _array(item: sa.ARRAY[Any], context: AutogenContext) -> str:
    dimensions = "" if item.dimensions is None else f", dimensions={item.dimensions!r}"
    prefix = "sa" if type(item) is sa.ARRAY else "postgresql"
    if prefix == "postgresql":
        context.imports.add("from sqlalchemy.dialects import postgresql")
    return f"{prefix}.ARRAY({render._repr_type(item.item_type, context)}{dimensions})"


def _document(item: sa.JSON, context: AutogenContext) -> str:
    """Name it as a variant can be written, too: what Alembic writes there has a name that the script does not know."""
    if not isinstance(item, JSON):
        return "sa.JSON()"
    context.imports.add("from sqlalchemy.dialects import postgresql")
    return f"postgresql.{type(item).__name__}(astext_type=sa.Text())"


def _is_sqlalchemy(item: object) -> bool:
    return type(item).__module__.partition(".")[0] == "sqlalchemy"
