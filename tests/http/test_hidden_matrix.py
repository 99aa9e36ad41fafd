"""Every hidden name × every operator × every place where a name can stand, as the schema gives them.

The answer is that of a database which never had the name. A tenth of it at random; all of it, which takes minutes:
`ONETRIP_HIDDEN=1 pytest tests/http/test_hidden_matrix.py`.
"""

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from onetrip import API
from onetrip.plan.operators import ALL_OPERATORS
from onetrip.query.split import LISTS
from onetrip.schema.model import ResourceSchema
from tests.http.client import Answer, Client
from tests.http.test_hidden import SECRET, comparable, with_and_without

WHOLE = "ONETRIP_HIDDEN" in os.environ
ACCEPTS = ("application/json", "application/x-ndjson", "text/csv")

FILTERS = (
    "{way}{name}{sign}={value}", "or=({way}{name}{sign}={inner},{way}id=1)", "not=(and=({way}{name}{sign}={inner}))",
    "{way}{name}.x{sign}={value}", "{way}prefs.{name}{sign}={value}", "or=({way}prefs.{name}{sign}={inner})",
    "count=exact&{way}{name}{sign}={value}", "count=estimated&{way}{name}{sign}={value}",
    "after={cursor}&{way}{name}{sign}={value}", "id=1&{way}{name}{sign}={value}&limit=0",
)  # fmt: skip
"""Where conditions stand, of any rows."""

FILTERS_THROUGH = (
    "{relation}=({name}{sign}={inner})", "not=({relation}=({name}{sign}={inner},id=1))",
    "include={relation}({name}{sign}={inner})", "include={relation}(or=({name}{sign}={inner},id=1),limit=1)",
    "include={relation}(prefs.{name}{sign}={inner})",
)  # fmt: skip
"""Where they stand that say something of the rows of a relation."""

FILTERS_OF_GROUPS = (
    "having=(min.{way}{name}{sign}={inner})", "max={way}id&having=(or=(count.{way}{name}{sign}={inner},count=1))",
    "having=({way}{name}{sign}={inner})", "group={way}id&{way}{name}{sign}={value}",
)  # fmt: skip

NAMES = (
    "sort={way}{name}", "sort=-{way}{name}:nullslast", "sort=id,{way}{name}", "after={cursor}&sort={way}{name}",
    "sort={way}prefs.{name}", "fields={way}{name}", "fields=id,{way}{name}", "fields={way}{name}.id",
    "fields={way}{name}.count", "include={way}{name}", "include={way}{name}(limit=1)", "q={name}",
    "before={cursor}&include={way}{name}",
)  # fmt: skip
NAMES_THROUGH = (
    "include={relation}(sort={name})", "include={relation}(fields=(id,{name}))", "include={relation}(include={name})",
    "include={relation}(sort=(-prefs.{name}),limit=1)", "include={relation}(q={name})",
    "include={relation}(after={cursor},sort={name})", "include={relation}(count=exact,fields={name})",
)  # fmt: skip
NAMES_OF_GROUPS = (
    "group={way}{name}", "group=id,{way}{name}", "group={way}{name}:month", "group={way}prefs.{name}",
    "count={way}{name}", "sum={way}{name}", "avg={way}{name}", "min={way}{name}", "max={way}{name}",
    "count=*&sort={way}{name}", "count=*&sort=-max.{way}{name}", "q={name}",
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """One of both applications."""

    api: API
    client: Client

    def cursor(self, path: str) -> str:
        """Answer where the first page of a list ends."""
        found = re.search("after=([^&>]*)", self.client.get(f"{path}?limit=1").headers.get("link", ""))
        return found[1] if found else "x"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Served]]:
    """One whose tables hold what is hidden, and one whose tables never did."""
    with with_and_without(request, tmp_path_factory) as found:
        yield [Served(api, client) for api, client in found]


def names(resource: ResourceSchema) -> set[str]:
    """All names that a table has for its columns and relations, shown or not."""
    mapper = sa.inspect(resource.entity)
    aliases = {field.serialization_alias for field in resource.entity.model_fields.values()}
    return {*mapper.attrs.keys(), *(column.name for column in mapper.columns)} | aliases - {None}


@dataclass(frozen=True)
class Place:
    """A path from which a hidden name is reached, and through which relations."""

    path: str
    way: tuple[str, ...]
    name: str

    def queries(self) -> Iterator[str]:
        """Write every query string, but for cursors."""
        given = {"way": "".join(f"{each}." for each in self.way), "name": self.name, "relation": ".".join(self.way)}
        through = bool(self.way)
        filters, shown = (FILTERS, FILTERS_THROUGH), (NAMES, NAMES_THROUGH)
        if self.path.endswith(":aggregate"):
            filters, shown = (FILTERS_OF_GROUPS + FILTERS[:4], ()), (NAMES_OF_GROUPS, ())
        for query in shown[0] + shown[1] * through:
            yield query.replace("{cursor}", "\0").format(**given).replace("\0", "{cursor}")
        for sign in ("", *(f"__{operator}" for operator in ALL_OPERATORS)):
            value = {"__is_null": "true", "__exists": "false", "__between": "1,2", "__in": "1,2"}.get(sign, "1")
            operands = {"sign": sign, "value": value, "inner": f"({value})" if sign.endswith(LISTS) else value}
            for query in filters[0] + filters[1] * through:
                yield query.replace("{cursor}", "\0").format(**given, **operands).replace("\0", "{cursor}")


def places(both: list[Served]) -> Iterator[Place]:
    """Find every path of at most two relations, and those of a relation, that end where something is hidden."""
    resources, others = (served.api.schema.resources for served in both)
    for resource in resources.values():
        ways = {(): resource}
        for _ in "ab":
            ways |= {
                (*way, relation.name): resources[relation.target]
                for way, end in ways.items() for relation in others[end.name].relations.values()
            }  # fmt: skip
        key = ",".join("1" for _ in resource.key)
        for way, end in ways.items():
            for name in sorted(names(end) - names(others[end.name])):
                yield Place(f"/{resource.name}", way, name)
                yield Place(f"/{resource.name}:aggregate", way, name)
                if len(way) == 1:
                    yield Place(f"/{resource.name}/{key}/{way[0]}", (), name)
                    if resource.relations[way[0]].many:
                        yield Place(f"/{resource.name}/{key}/{way[0]}:aggregate", (), name)
                if not way:
                    yield Place(f"/{resource.name}/{key}", (), name)


def test_no_operator_at_any_place_tells_what_is_hidden(both: list[Served]) -> None:
    """Neither its status, nor a header, nor a byte of its answer, as JSON or exported."""
    found, make, asked = list(places(both)), random.Random(1), 0
    assert {"password_hash", "secretAlias", "drafts", "note", "labels"} <= {place.name for place in found}
    cursors = [{place.path: served.cursor(place.path) for place in found} for served in both]
    assert all(cursors[0][path] != "x" for path in ("/authors", "/posts", "/tags", "/taggings", "/posts/1/tags"))
    for place in found:
        for query in place.queries():
            for accept in ACCEPTS:
                if not WHOLE and make.random() > 0.01:
                    continue
                answers = [
                    served.client.get(f"{place.path}?{query.replace('{cursor}', each[place.path])}", accept=accept)
                    for served, each in zip(both, cursors, strict=True)
                ]
                assert answers[0].status < 500
                one, other = map(comparable_without_cursors, answers)
                assert one == other, (place, query, accept)
                assert SECRET not in answers[0].body.decode()
                asked += 1
    assert asked > 500


def comparable_without_cursors(answer: Answer) -> Any:
    """Take out of an answer what each application signs for itself."""
    status, headers, body = comparable(answer)
    headers["link"] = re.sub("(after|before)=[^&>]*", "", headers.get("link", ""))
    return status, headers, body
