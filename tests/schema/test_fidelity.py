from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Str,
    BaseModel,
    EmailStr,
    FutureDate,
    HttpUrl,
    NaiveDatetime,
    PlainSerializer,
    PositiveInt,
    SecretStr,
    StrictStr,
)
from pydantic.fields import FieldInfo
from sqlalchemy.dialects import postgresql as pg
from typing_extensions import TypeAliasType

from onetrip.db.database import Database
from onetrip.schema.fidelity import bare, column_reason, declared_reason
from onetrip.schema.model import Field
from onetrip.schema.types import describe

Number = NewType("Number", int)
Alias = TypeAliasType("Alias", list[str])


class Color(Enum):
    RED = "r"


class Other(Enum):
    RED = "r"


class Model(BaseModel):
    a: int


def field(type_: Any) -> Field:
    dialect = Database("postgresql://h/d").dialect.sqlalchemy
    return Field(name="x", attribute="x", type=describe(sa.types.to_instance(type_), dialect), nullable=True)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, int), (Optional[int], int), (int | None, int), (Annotated[int | None, "x"], int), (Number, int),  # noqa: UP045
        (Optional[Annotated[Number, "x"]], int), (Alias, list[str]), (Alias | None, list[str]),  # noqa: UP045
        (int | str, int | str), (int | str | None, int | str | None), (Any, Any), (list[int | None], list[int | None]),
    ],
)  # fmt: skip
def test_bare(annotation: Any, expected: Any) -> None:
    """An annotation is stripped of what does not change the type of a value that is there."""
    assert bare(annotation) == expected


@pytest.mark.parametrize(
    ("type_", "annotation"),
    [
        (sa.Integer, int), (sa.Integer, PositiveInt), (sa.Integer, Number), (sa.Integer, Any),
        (sa.BigInteger, int | None), (sa.String, str), (sa.String, StrictStr), (sa.String, EmailStr),
        (sa.String, Literal["a", "b"]), (sa.String, Path), (sa.String, IPv4Address), (pg.INET, IPv4Address),
        (sa.Enum("a", "b", native_enum=False), Literal["a", "b"]), (sa.Enum(Color), Color), (sa.Date, date),
        (sa.Date, FutureDate), (sa.DateTime(timezone=True), datetime), (sa.DateTime(timezone=True), AwareDatetime),
        (sa.DateTime, NaiveDatetime), (sa.Uuid, UUID), (sa.Numeric(8, 2), Decimal), (sa.JSON, dict[str, Any]),
        (sa.JSON, list[dict[str, int | None]]), (sa.JSON, Alias),
        (sa.JSON, dict[str, Annotated[int, "x"] | Number | Alias]), (sa.ARRAY(sa.String), list[str]),
        (sa.ARRAY(sa.Integer), list[PositiveInt]),
    ],
)  # fmt: skip
def test_written_alike(type_: Any, annotation: Any) -> None:
    """A constraint or a name for a type does not change how a value is written."""
    info = FieldInfo.from_annotation(annotation)
    assert column_reason(field(type_), lambda _: None) is None
    assert declared_reason(field(type_), info, validated=True) is None


@pytest.mark.parametrize(
    ("type_", "annotation", "reason"),
    [
        (sa.Integer, str, "'x' is declared as str"),
        (sa.Integer, float | None, "'x' is declared as float"),
        (sa.Integer, bool, "'x' is declared as bool"),
        (sa.Integer, int | str, "'x' is declared as"),
        (sa.String, SecretStr, "'x' is declared as SecretStr"),
        (sa.String, HttpUrl, "'x' is declared as HttpUrl"),
        (sa.String, Base64Str, "'x' has a serializer"),
        (sa.Enum(Color), Other, "'x' is declared as Other"),
        (sa.Enum(Color), str, "'x' is declared as str"),
        (sa.Date, datetime, "'x' is declared as datetime"),
        (sa.Numeric, float, "'x' is declared as float"),
        (sa.JSON, Model, "'x' is declared as Model"),
        (sa.JSON, dict[str, Model], "'x' is declared as dict"),
        (sa.JSON, list[datetime], "'x' is declared as list"),
        (sa.JSON, Sequence[int], "'x' is declared as Sequence"),
        (sa.ARRAY(sa.String), set[str], "'x' is declared as set"),
        (sa.ARRAY(sa.String), list[int], "'x' is declared as list"),
        (sa.Integer, Annotated[int, PlainSerializer(str)], "'x' has a serializer"),
        (sa.Integer, Annotated[int, AfterValidator(abs)], "'x' has a validator"),
        (sa.JSON, dict[str, Annotated[int, AfterValidator(abs)]], "'x' has a validator"),
        (sa.ARRAY(sa.Integer), list[Annotated[int, PlainSerializer(str)]], "'x' has a serializer"),
    ],
)
def test_written_differently(type_: Any, annotation: Any, reason: str) -> None:
    """Another type than the column's, or code that runs on the way, is a reason for Python, and is named."""
    found = declared_reason(field(type_), FieldInfo.from_annotation(annotation), validated=True)
    assert found is not None
    assert found.startswith(reason)


def test_validators_of_a_table_do_not_count() -> None:
    """A table model's validators are for what comes in; those of a hand-written schema see what goes out."""
    info = FieldInfo.from_annotation(Annotated[int, AfterValidator(abs)])
    assert declared_reason(field(sa.Integer), info, validated=False) is None


def test_reasons_of_a_dialect() -> None:
    """What a dialect cannot write is a reason, whatever the column is declared as."""
    assert column_reason(field(sa.Integer), lambda type_: "is odd") == "'x' is odd"
