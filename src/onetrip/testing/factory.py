"""Rows for tests, made from what the models say: types, bounds, enums, uniqueness, and parents for foreign keys."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlmodel import Session

from onetrip.errors import ConfigurationError, nearest
from onetrip.schema.model import ResourceSchema
from onetrip.testing.values import Unmade, value_for

T = TypeVar("T")

_DEEP = 20  # parents of parents: more is a circle


class Factory:
    """Makes rows that the database takes. What a test does not say is made up, the same in every run.

    Columns that may be NULL, or that have a default, are left to that. `session` is the one in which all rows live.
    """

    def __init__(self, session: Session, resources: Sequence[ResourceSchema] = ()) -> None:
        self.session = session
        self._resources = {resource.entity: resource for resource in resources}
        self._numbers: Counter[type[Any]] = Counter()

    def make(self, entity: type[T], **given: Any) -> T:
        """Store a row, and the rows that it has to refer to; what is given are columns, or rows of relations.

        Raises `ConfigurationError` for what has to be given, and for what the database does not take.
        """
        made = entity(**self._values(entity, given, 0))
        return self.store(made)[0]

    def batch(self, entity: type[T], number: int, **given: Any) -> list[T]:
        """Store some rows that have in common what is given."""
        return [self.make(entity, **given) for _ in range(number)]

    def store(self, *rows: T) -> list[T]:
        """Store rows that a test has made itself."""
        with self._said(type(rows[0])):
            self.session.add_all(rows)
            self.session.commit()
        return list(rows)

    @contextmanager
    def _said(self, entity: type[Any]) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            self.session.rollback()
            said = str(error.orig).partition("\n")[0]
            raise ConfigurationError(f"The database does not take {entity.__name__}: {said}.") from error

    def _flushed(self, entity: type[Any], depth: int) -> Any:
        """Make a row that another one refers to, in the same transaction."""
        row = entity(**self._values(entity, {}, depth + 1))
        with self._said(entity):
            self.session.add(row)
            self.session.flush()
        return row

    def body(self, entity: type[Any], **given: Any) -> dict[str, Any]:
        """Make what a client would send to create a row: its required fields, and what is given.

        Rows that it refers to are stored. Raises `ConfigurationError` for a table that is not created over HTTP.
        """
        resource = self._resources.get(entity)
        if resource is None or resource.writes.create is None:
            raise ConfigurationError(f"{entity.__name__} is not created over HTTP here.")
        create = resource.writes.create
        values = self._values(entity, {}, 0)
        self.session.commit()
        required = {name for name, info in create.model.model_fields.items() if info.is_required()}
        names = {info.validation_alias or name: name for name, info in create.model.model_fields.items()}
        _refuse_unknown(f"A body of {entity.__name__}", given, list(names))
        made = {
            public: values[create.columns[public].attribute]
            for public, name in names.items()
            if name in required and public in create.columns and create.columns[public].attribute in values
        }
        return {name: to_jsonable_python(value) for name, value in (made | given).items()}

    def _values(self, entity: type[Any], given: dict[str, Any], depth: int) -> dict[str, Any]:
        mapper: Mapper[Any] = sa.inspect(entity)
        _refuse_unknown(entity.__name__, given, list(mapper.attrs.keys()))
        if depth > _DEEP:
            raise ConfigurationError(f"{entity.__name__} refers to itself in the end: give the row that it refers to.")
        self._numbers[entity] += 1
        number = self._numbers[entity]
        values = dict(given)
        settled = {column for name in given for column in _columns_of(mapper, name)}
        for relation in mapper.relationships:
            columns = set(relation.local_columns)
            if relation.direction is sa.orm.MANYTOONE and not columns & settled and _is_needed(columns):
                values |= self._parent(mapper, relation, depth)
                settled |= columns
        for name, column in _plain_columns(mapper):
            if column in settled:
                continue
            if column.foreign_keys and _is_needed({column}):
                values[name] = self._referred(mapper, column, depth)
            elif _is_made_up(column, entity, name):
                try:
                    values[name] = value_for(entity, name, column, number)
                except Unmade as error:
                    raise ConfigurationError(f"{entity.__name__}.{name} {error}: give it a value.") from error
        return values

    def _parent(self, mapper: Mapper[Any], relation: RelationshipProperty[Any], depth: int) -> dict[str, Any]:
        """Store the row at the end of a relation, and answer the columns that refer to it."""
        row = self._flushed(relation.mapper.class_, depth)
        return {
            mapper.get_property_by_column(local).key: getattr(row, relation.mapper.get_property_by_column(remote).key)
            for local, remote in relation.local_remote_pairs or ()
        }

    def _referred(self, mapper: Mapper[Any], column: Any, depth: int) -> Any:
        """Store a row that a foreign key without a relation refers to, and answer the value of its column."""
        target = next(iter(column.foreign_keys)).column
        for other in mapper.registry.mappers:
            if other.local_table is target.table:
                row = self._flushed(other.class_, depth)
                return getattr(row, other.get_property_by_column(target).key)
        raise ConfigurationError(
            f"{mapper.class_.__name__} refers to '{target.table.name}', which no class maps: give it."
        )


def _refuse_unknown(what: str, given: Iterable[str], known: list[str]) -> None:
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{what} has no '{name}'. {nearest(name, known) or ''}".rstrip())


def _columns_of(mapper: Mapper[Any], name: str) -> Iterator[Any]:
    """Answer the columns that an attribute sets."""
    if name in mapper.relationships:
        yield from mapper.relationships[name].local_columns
    else:
        yield from getattr(mapper.attrs[name], "columns", ())


def _plain_columns(mapper: Mapper[Any]) -> Iterator[tuple[str, Any]]:
    for prop in mapper.column_attrs:
        column = prop.columns[0]
        if isinstance(column, sa.Column):
            yield prop.key, column


def _is_needed(columns: set[Any]) -> bool:
    return any(not column.nullable for column in columns)


def _is_made_up(column: Any, entity: type[Any], name: str) -> bool:
    """Say whether nobody else gives a column its value."""
    generated = column.computed is not None or column.identity is not None or column.server_default is not None
    if generated or column.default is not None or column.nullable:
        return False
    if column is column.table.autoincrement_column:
        return False
    info = getattr(entity, "model_fields", {}).get(name)
    return info is None or info.is_required() or info.get_default(call_default_factory=False) is None
