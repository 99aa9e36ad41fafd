"""The OpenAPI of writes: what it admits is read, and how one request follows from the answer to another."""

from datetime import datetime, time
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator
from sqlmodel import Field, Relationship

from onetrip import API, Resource, Versioned
from tests.http.test_openapi import NOWHERE, openapi, verify
from tests.schema.serving import base

Base = base()


class Link(Base, table=True):  # type: ignore[call-arg, misc, valid-type]
    __tablename__ = "links"
    left_id: int = Field(foreign_key="pages.id", primary_key=True)
    right_id: int = Field(foreign_key="words.id", primary_key=True)
    weight: int = 0


class Page(Versioned, Base, table=True):  # type: ignore[call-arg, misc, valid-type]
    __tablename__ = "pages"
    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(max_length=20)
    code: str = Field(default="a", schema_extra={"pattern": "^[a-z]+$"})
    big: int = Field(default=0, sa_type=sa.BigInteger)
    few: int = Field(default=0, sa_type=sa.BigInteger, le=9)
    price: Decimal | None = Field(default=None, max_digits=6, decimal_places=2)
    local: datetime | None = Field(default=None, sa_type=sa.DateTime())
    clock: time | None = None
    words: list["Word"] = Relationship(back_populates="pages", link_model=Link)


class Word(Base, table=True):  # type: ignore[call-arg, misc, valid-type]
    __tablename__ = "words"
    id: int | None = Field(default=None, primary_key=True)
    name: str = ""
    pages: list[Page] = Relationship(back_populates="words", link_model=Link)


class Shelf(Base, table=True):  # type: ignore[call-arg, misc, valid-type]
    __tablename__ = "shelves"
    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    page = Resource(Page, require_if_match=True, increments=["big", "price"])
    made = openapi(API(page, Word, Link, Shelf, database=NOWHERE), prefix="/api")
    verify(made)
    return made


def test_operations_follow_from_a_new_row(document: dict[str, Any]) -> None:
    """By the key in the answer, and with its entity tag where that decides; below a prefix, too."""
    links = document["paths"]["/api/pages"]["post"]["responses"]["201"]["links"]
    assert list(links) == ["get_page", "update_page", "replace_page", "delete_page"]
    assert links["get_page"]["parameters"] == {"path.id": "$response.body#/id"}
    assert links["update_page"]["parameters"]["header.If-Match"] == "$response.header.ETag"
    known = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert {link["operationId"] for link in links.values()} <= known
    below = document["paths"]["/api/words/{id}/pages"]["post"]["responses"]["201"]
    assert below["links"] == links and set(below["headers"]) == {"Location", "ETag"}


def test_parts_of_a_key_that_may_hold_a_comma_are_no_link(document: dict[str, Any]) -> None:
    """An expression cannot quote them; parts that are numbers are joined."""
    posts = {path: item["post"]["responses"]["201"] for path, item in document["paths"].items() if "post" in item}
    assert "links" not in posts["/api/shelves"]
    link = posts["/api/links"]["links"]["get_link"]
    assert link["parameters"] == {"path.key": "{$response.body#/left_id},{$response.body#/right_id}"}


def test_a_change_that_must_be_conditional_says_so(document: dict[str, Any]) -> None:
    for method in ("patch", "put", "delete"):
        conditional, plain = (document["paths"][path][method] for path in ("/api/pages/{id}", "/api/links/{key}"))
        assert "428" in conditional["responses"] and "428" not in plain["responses"]
        for operation, required, schema in (
            (conditional, True, {"type": "string"}), (plain, False, {"type": "string", "enum": ["*"]}),
        ):  # fmt: skip
            (header,) = (each for each in operation["parameters"] if each["name"] == "If-Match")
            assert (header["required"], header["schema"]) == (required, schema)


def test_the_body_of_a_link_may_be_left_out_and_is_not_null(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/pages/{id}/words/{word_id}"]["put"]["requestBody"]
    assert not body.get("required") and "null" not in str(body)


ADMITTED = {
    "title": (["x"], ["\0", "x" * 21, 1]),
    "code": (["abc"], ["1"]),
    "big": ([2**62, -(2**63)], [2**63, -(2**63) - 2048]),
    "few": ([9], [10]),
    "price": ([1.5, "12.50", "-1e2"], ["1_0", "nan", ""]),
    "local": (["2026-01-31T09:30:00", "2026-01-31"], ["2026-01-31T09:30:00Z", "now"]),
    "clock": (["09:30:00", "09:30"], ["09:30:00Z"]),
}


@pytest.mark.parametrize("column", ADMITTED)
@pytest.mark.parametrize("kind", ["Create", "Replace", "Update"])
def test_the_schema_of_a_body_admits_what_is_read(document: dict[str, Any], kind: str, column: str) -> None:
    """No NUL, no offset where there is none, no integer that the column cannot hold."""
    components = document["components"]
    schema = {**components["schemas"][f"Page{kind}"]["properties"][column], "components": components}
    good, bad = ADMITTED[column]
    assert [value for value in good if not Draft202012Validator(schema).is_valid(value)] == []
    assert [value for value in bad if Draft202012Validator(schema).is_valid(value)] == []


def test_local_times_are_shown_as_such(document: dict[str, Any]) -> None:
    """The formats `date-time` and `time` of OpenAPI have an offset."""
    shown = document["components"]["schemas"]["PageRead"]["properties"]
    assert shown["local"]["anyOf"][0] == {"type": "string", "format": "local-date-time"}
    assert shown["clock"]["anyOf"][0] == {"type": "string", "format": "local-time"}
