"""A schema of PostgreSQL, read from its catalogue: a few statements, however many tables there are.

What belongs to an extension, the parts of a partitioned table and Alembic's own table are left out. Expressions are
what `pg_get_*` answer, in which two schemas that were written differently and mean the same read the same.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa

from onetrip.migrations.snapshot.model import Column, Constraint, Index, Kind, Name, Snapshot, Table

_IN = "n.nspname = ANY(:schemas)"
_FOREIGN = """
    NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalogue}'::regclass AND e.objid = {oid}
                AND e.deptype = 'e')
"""
_RELATION = f"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND {_IN}"
_OURS = _FOREIGN.format(catalogue="pg_class", oid="c.oid")
_TABLE = f"""
    {_RELATION} AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version' AND {_OURS}
"""
_NAMES = """
    ARRAY(SELECT k.attname::text FROM unnest({numbers}) WITH ORDINALITY AS u(number, position)
          JOIN pg_attribute k ON k.attrelid = {table} AND k.attnum = u.number ORDER BY u.position)
"""
_TABLES = f"SELECT c.oid, n.nspname, c.relname, obj_description(c.oid, 'pg_class') FROM {_TABLE}"  # noqa: S608 - our own words
_COLUMNS = f"""
    SELECT c.oid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
           a.attgenerated::text, a.attidentity::text, o.collname, col_description(c.oid, a.attnum),
           s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle
    FROM {_TABLE}
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation o ON o.oid = a.attcollation AND a.attcollation <> t.typcollation
    LEFT JOIN LATERAL (
        SELECT q.* FROM pg_depend p JOIN pg_sequence q ON q.seqrelid = p.objid
        WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass
          AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype IN ('a', 'i') LIMIT 1
    ) s ON true
    ORDER BY c.oid, a.attnum
"""  # noqa: S608 - our own words
_CONSTRAINTS = f"""
    SELECT c.oid, r.conname, r.contype::text, pg_get_constraintdef(r.oid), r.convalidated,
           {_NAMES.format(numbers="r.conkey", table="c.oid")}
    FROM {_TABLE} JOIN pg_constraint r ON r.conrelid = c.oid AND r.conparentid = 0
         AND r.contype IN ('p', 'u', 'c', 'f', 'x')
    ORDER BY c.oid, r.conname
"""  # noqa: S608 - our own words
_INDEXES = f"""
    SELECT c.oid, x.relname, pg_get_indexdef(x.oid), i.indisunique, i.indisvalid, m.amname,
           {_NAMES.format(numbers="i.indkey", table="c.oid")}
    FROM {_TABLE} JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam
    WHERE NOT EXISTS (SELECT FROM pg_constraint r WHERE r.conindid = x.oid AND r.contype IN ('p', 'u', 'x'))
    ORDER BY c.oid, x.relname
"""  # noqa: S608 - our own words
_TRIGGERS = f"""
    SELECT c.oid, g.tgname, pg_get_triggerdef(g.oid)
    FROM {_TABLE} JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal ORDER BY c.oid, g.tgname
"""  # noqa: S608 - our own words
_ENUMS = f"""
    SELECT n.nspname, t.typname, array_agg(l.enumlabel::text ORDER BY l.enumsortorder)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace AND {_IN} JOIN pg_enum l ON l.enumtypid = t.oid
    WHERE {_FOREIGN.format(catalogue="pg_type", oid="t.oid")} GROUP BY 1, 2
"""  # noqa: S608 - our own words
_VIEWS = f"SELECT n.nspname, c.relname, pg_get_viewdef(c.oid) FROM {_RELATION} AND c.relkind IN ('v', 'm') AND {_OURS}"  # noqa: S608 - our own words
_SEQUENCES = f"""
    SELECT n.nspname, c.relname FROM {_RELATION} AND c.relkind = 'S' AND {_OURS}
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
"""  # noqa: S608 - our own words

_KINDS: Mapping[str, Kind] = {"p": "primary", "u": "unique", "c": "check", "f": "foreign", "x": "exclude"}
_GENERATED = {"s": "STORED", "v": "VIRTUAL"}
_IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT"}

# `x IN ('a', 'b')` of VARCHAR reads `(ARRAY['a'::character varying, …])::text[]`; written so, each element is cast.
_ELEMENT = r"'(?:[^']|'')*'::[a-z ]+?(?:\(\d+\))?"
_LIST = re.compile(rf"\(ARRAY\[({_ELEMENT}(?:, {_ELEMENT})*)\]\)::([a-z ]+)\[\]")


def read(connection: sa.Connection, schemas: Collection[str | None]) -> Snapshot:
    """Read schemas by their names, `None` for the default one."""
    default = connection.dialect.default_schema_name
    return read_as(connection, {schema or cast(str, default): schema for schema in schemas})


def read_as(connection: sa.Connection, shown: Mapping[str, str | None]) -> Snapshot:
    """Read schemas by the names that they have, and show them by others."""
    reading = _Reading(connection, shown)
    parts = [reading.parts(each) for each in (_COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS)]
    tables = {}
    for oid, schema, name, comment in reading.rows(_TABLES):
        columns, constraints, indexes, triggers = (part[oid] for part in parts)
        tables[shown[schema], name] = Table(
            name=(shown[schema], name),
            columns=tuple(reading.column(*row) for row in columns),
            constraints=tuple(reading.constraint(*row) for row in constraints),
            indexes=tuple(reading.index(*row) for row in indexes),
            triggers={trigger: reading.text(definition) for trigger, definition in triggers},
            comment=comment,
        )
    return Snapshot(
        tables=dict(sorted(tables.items(), key=lambda item: _order(item[0]))),
        enums={(shown[schema], name): tuple(labels) for schema, name, labels in reading.rows(_ENUMS)},
        views={(shown[schema], name): reading.text(text) for schema, name, text in reading.rows(_VIEWS)},
        sequences=frozenset((shown[schema], name) for schema, name in reading.rows(_SEQUENCES)),
    )


def _order(name: Name) -> tuple[str, str]:
    return name[0] or "", name[1]


class _Reading:
    """One connection's answers, with the names of schemas as they are shown."""

    def __init__(self, connection: sa.Connection, shown: Mapping[str, str | None]) -> None:
        self.connection, self.schemas = connection, list(shown)
        quote = connection.dialect.identifier_preparer.quote
        self.names = {
            f"{quote(schema)}.": f"{quote(name)}." if name else "" for schema, name in shown.items() if name != schema
        }

    def rows(self, statement: str) -> Sequence[Any]:
        return self.connection.execute(sa.text(statement), {"schemas": self.schemas}).all()

    def parts(self, statement: str) -> Mapping[int, list[Any]]:
        found: dict[int, list[Any]] = defaultdict(list)
        for oid, *row in self.rows(statement):
            found[oid].append(row)
        return found

    def text(self, text: str) -> str:
        for name, shown in self.names.items():
            text = text.replace(name, shown)
        return _LIST.sub(_cast_each, text)

    def column(
        self, name: str, kind: str, filled: bool, default: str | None, generated: str, identity: str,
        collation: str | None, comment: str | None, *sequence: Any,
    ) -> Column:  # fmt: skip
        text = None if default is None else self.text(default)
        own = None
        if sequence[0] is not None:  # a sequence of the column's own: its name says nothing
            start, increment, least, greatest, cache, cycles = sequence
            cycle = " CYCLE" if cycles else ""
            own = f"START {start} INCREMENT {increment} MINVALUE {least} MAXVALUE {greatest} CACHE {cache}{cycle}"
            if identity:
                own = f"{_IDENTITY[identity]} {own}"
            elif text is not None and text.startswith("nextval("):
                text, own = None, "SERIAL"
            else:
                own = None
        return Column(
            name=name, type=self.text(kind), nullable=not filled, default=None if generated else text,
            generated=f"{text} {_GENERATED[generated]}" if generated else None, identity=own, collation=collation,
            comment=comment,
        )  # fmt: skip

    def constraint(self, name: str, kind: str, definition: str, valid: bool, columns: Sequence[str]) -> Constraint:
        text = self.text(definition.removesuffix(" NOT VALID"))
        return Constraint(name=name, kind=_KINDS[kind], definition=text, columns=tuple(columns), valid=valid)

    def index(
        self, name: str, definition: str, unique: bool, valid: bool, method: str, columns: Sequence[str]
    ) -> Index:
        text = method + self.text(definition).partition(f" USING {method}")[2]
        return Index(name=name, definition=text, columns=tuple(columns), unique=unique, valid=valid)


def _cast_each(found: re.Match[str]) -> str:
    elements, kind = found.groups()
    return "ARRAY[" + re.sub(_ELEMENT + r"(?=, '|$)", lambda element: f"({element[0]})::{kind}", elements) + "]"
