"""Query strings that nobody has thought of: what a schema admits, such with a few characters changed, and mere bytes.

Every value, and every name that no table has, holds a mark, which must not turn up in the text of a statement.
"""

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

from onetrip.plan.operators import ALL_OPERATORS, operators
from onetrip.schema.model import Field, ResourceSchema, Schema

MARK, NUMBER = "zqxj", "7351"
MARKS = (MARK, NUMBER, "2077")
"""What is in every word, every number and every date."""

_WORDS = [
    MARK, f"{MARK}'; DROP TABLE users; --", f'"{MARK}"', f"{MARK}%", f"_{MARK}_", f"\\{MARK}", f"({MARK})", f"{MARK},b",
    f"{MARK}\u202e🚀", f"$1{MARK}", f":p0{MARK}", f"{{0}}{MARK}", f"{MARK}\r\n", f"?{MARK}", f"{MARK}\x00",
    f"-{MARK} or",
]  # fmt: skip
_NUMBERS = [NUMBER, f"-{NUMBER}", f"{NUMBER}.5", f"{NUMBER}e300", f"{NUMBER}{'0' * 30}", f"0{NUMBER}", f"+{NUMBER}"]
_TIMES = ["2077-01-31", "2077-01-31T09:30:00Z", "2077-02-30", "2077-01-31T25:00:00Z", "P2077D", "20:77"]
_SIGNS = "()=,.:&\"-_%+ *#;/\\?[]{}<>|~!@^`'\t\n\x00\xffä"

_BUCKETS = ("year", "quarter", "month", "week", "day", "hour", "minute", "century")
_BYTES = b'()=,.:&"-_%0aF+ \x00\xff\xc3'


class Noise:
    """Makes targets: a path, a query string, and what is accepted."""

    def __init__(self, schema: Schema, make: random.Random) -> None:
        self.schema, self.make = schema, make
        self.pick: Callable[[Any], Any] = make.choice

    def target(self) -> tuple[bytes, str]:
        """Make a path with a query string, and an `Accept`."""
        resource = self.pick(list(self.schema.resources.values()))
        path, end, groups = f"/{resource.name}", resource, False
        form = self.make.random()
        if form < 0.3:
            path += f"/{self.pick(['1', '2', NUMBER, MARK, '1,10', 'DE'])}"
            if resource.relations and form < 0.2:
                relation = self.pick(list(resource.relations.values()))
                path, end = f"{path}/{relation.name}", self.schema.resources[relation.target]
        if self.make.random() < 0.2:
            path, groups = f"{path}:aggregate", True
        accept = self.pick(["*/*"] * 6 + ["text/csv", "application/x-ndjson", "application/json"])
        return quote_from_bytes(path.encode(), safe="/:,").encode() + b"?" + self.query(end, groups), accept

    def query(self, resource: ResourceSchema, groups: bool) -> bytes:
        """Make a query string, and spoil every third one."""
        if self.make.random() < 0.05:
            return bytes(self.pick(_BYTES) for _ in range(self.make.randrange(60)))
        parameters = self._of_groups if groups else self._of_rows
        made = [parameters(resource) for _ in range(self.make.choice([0, 1, 1, 2, 2, 3, 5]))]
        pairs = [(self._spoilt(name), self._spoilt(value)) for name, value in made]
        joined = b"&".join(self._escaped(name) + b"=" + self._escaped(value) for name, value in pairs)
        return joined if self.make.random() < 0.95 else self._torn(joined)

    # Parameters

    def _of_rows(self, resource: ResourceSchema) -> tuple[str, str]:
        kind = self.make.randrange(12)
        if kind < 5:
            return self._condition(resource, 3)
        if kind == 5:
            return "sort", self._several(lambda: self._key(resource))
        if kind == 6:
            return "fields", self._several(lambda: self._path(resource) + self.pick(["", "", ".count"]))
        if kind in (7, 8):
            return "include", self._several(lambda: self._embed(resource, 3))
        return self._of_page(self.pick(["limit", "offset", "after", "before", "count", "q"]))

    def _of_groups(self, resource: ResourceSchema) -> tuple[str, str]:
        kind = self.make.randrange(9)
        if kind < 2:
            return self._condition(resource, 2)
        if kind == 2:
            return "group", self._several(lambda: self._path(resource) + self.pick(["", f":{self.pick(_BUCKETS)}"]))
        if kind == 3:
            return "sort", self._several(lambda: f"{self.pick(['', '-'])}{self._aggregate(resource)}")
        if kind == 4:
            conditions = [f"{self._aggregate(resource)}__{self.pick(ALL_OPERATORS)}={self.value()}" for _ in "ab"]
            return "having", f"({self.pick(['', 'or=('])}{','.join(conditions)}){self.pick(['', ')'])}"
        if kind == 5:
            return self._of_page(self.pick(["limit", "offset", "after", "count", "q", "fields"]))
        return self.pick(["count", "sum", "avg", "min", "max"]), self._several(lambda: self._path(resource))

    def _of_page(self, name: str) -> tuple[str, str]:
        if name == "count":
            return name, self.pick(["exact", "estimated", "none", "*", MARK])
        if name in ("limit", "offset"):
            return name, self.pick(["0", "1", "3", "1000", "-1", *_NUMBERS, MARK, f"({NUMBER})"])
        return name, self.value()

    def _aggregate(self, resource: ResourceSchema) -> str:
        function = self.pick(["count", "sum", "avg", "min", "max", MARK])
        return self.pick(["count", f"{function}.{self._path(resource)}", self._path(resource)])

    def _embed(self, resource: ResourceSchema, depth: int) -> str:
        """A path of `include`, with options here and there."""
        relation = self.pick([*resource.relations.values(), None])
        if relation is None:
            return self.pick([MARK, *resource.fields])
        target = self.schema.resources[relation.target]
        options = [self._of_rows(target) for _ in range(self.make.choice([0, 0, 1, 2, 3]))] if depth else []
        texts = [f"{name}={f'({value})' if ',' in value and name in _NAMES else value}" for name, value in options]
        below = f".{self._embed(target, depth - 1)}" if depth and self.make.random() < 0.3 else ""
        return relation.name + (f"({','.join(texts)})" if texts else "") + below

    def _condition(self, resource: ResourceSchema, depth: int) -> tuple[str, str]:
        """A comparison, or a tree of them."""
        kind = self.make.randrange(8) if depth else 7
        if kind < 2:
            inner = [self._condition(resource, depth - 1) for _ in range(self.make.choice([1, 2, 3]))]
            return self.pick(["or", "and", "not"]), f"({','.join(map('='.join, inner))})"
        way, end = self._way(resource, self.make.choice([0, 0, 0, 1, 2]))
        if kind == 2 and end.relations:
            relation = self.pick(list(end.relations.values()))
            if self.make.random() < 0.3:
                return f"{way}{relation.name}__exists", self.pick(["true", "false", MARK])
            inner = [self._condition(self.schema.resources[relation.target], depth - 1) for _ in "ab"]
            return f"{way}{relation.name}", f"({','.join(map('='.join, inner))})"
        column: Field = self.pick(list(end.fields.values()))
        signs = [*operators(column.type)] if self.make.random() < 0.9 else [*ALL_OPERATORS, MARK]
        sign = self.pick(signs)
        inside = self.pick(["", f".{MARK}", f".{NUMBER}", f".{MARK}.0"]) if column.type.kind == "json" else ""
        name = f"{way}{column.name}{inside}{self.pick(['', f'__{sign}', f'__{sign}'])}"
        if sign in ("is_null", "exists"):
            return name, self.pick(["true", "false", "1", MARK])
        return name, self._several(lambda: self.value(column)) if sign in ("in", "between") else self.value(column)

    # Names and values

    def _way(self, resource: ResourceSchema, length: int) -> tuple[str, ResourceSchema]:
        way = ""
        for _ in range(length):
            if not resource.relations:
                break
            relation = self.pick(list(resource.relations.values()))
            way, resource = f"{way}{relation.name}.", self.schema.resources[relation.target]
        return way, resource

    def _path(self, resource: ResourceSchema) -> str:
        way, end = self._way(resource, self.make.choice([0, 0, 1, 2]))
        return way + self.pick([*end.fields, *end.fields, *end.relations, *end.hidden, MARK, "*", f"_link.{MARK}"])

    def _key(self, resource: ResourceSchema) -> str:
        placement = self.pick(["", "", ":nullsfirst", ":nullslast", f":{MARK}"])
        return f"{self.pick(['', '-'])}{self._path(resource)}{self.pick(['', '', f'.{MARK}'])}{placement}"

    def value(self, column: Field | None = None) -> str:
        """A value: of the kind that a column takes, more often than not."""
        kind = None if column is None or self.make.random() < 0.2 else column.type.kind
        if kind in ("integer", "wide_integer", "float", "decimal", "wide_decimal"):
            return str(self.pick(_NUMBERS[:3]))
        if kind in ("date", "datetime", "local_datetime"):
            return str(self.pick(_TIMES[:2]))
        if kind in ("string", "json"):
            return str(self.pick(_WORDS))
        return str(self.pick([*_WORDS, *_NUMBERS, *_TIMES, "true", "", "null"]))

    def _several(self, one: Callable[[], str]) -> str:
        return ",".join(one() for _ in range(self.make.choice([1, 1, 2, 3])))

    # Damage

    def _spoilt(self, text: str) -> str:
        """Take a character away, add one, or say a part twice, now and then."""
        if not text or self.make.random() < 0.93:
            return text
        at = self.make.randrange(len(text))
        more = self.pick(["", self.pick(_SIGNS), text[at:], text[:at] * 2])
        return text[:at] + more + text[at + self.make.randrange(2) :]

    def _escaped(self, text: str) -> bytes:
        return quote_from_bytes(text.encode("utf-8", "replace"), safe=self.pick(["(),.:=-_", "(),.:-_", ""])).encode()

    def _torn(self, query: bytes) -> bytes:
        at = self.make.randrange(len(query) + 1)
        return query[:at] + bytes([self.pick(_BYTES)]) + query[at + self.make.randrange(4) :]


_NAMES = ("sort", "fields", "include")
