"""The grammar of parentheses: trees of conditions, and the options of embeds.

Commas separate, parentheses nest, and a value that holds a comma, a parenthesis or a quote is written in double
quotes, with `""` for a quote. Values are put aside and replaced by their `Slot`, so that what is left is the shape: the
same for every request that differs in values alone. What names mean is for `parser`. Standard library only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from onetrip.query.ast import Slot

MAX_DEPTH = 10
"""Parentheses inside one another."""

MAX_ENTRIES = 500
"""Names and values of one parameter."""

STRUCTURAL = frozenset({"sort", "include", "fields", "count", "limit"})
"""Options whose text decides which statement runs, as that of the parameters of these names.

`limit` does, because a planner that does not know it plans for many rows, and again for each request.
"""

FLAGS = ("__is_null", "__exists")
"""What ends a name whose value decides which statement runs."""

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_PLAIN = re.compile(r'[^,()"]*')
_NAME = re.compile(r'[^=,()"]*')
_STEP = re.compile(r'[^.=,()"]*')


@dataclass(frozen=True, slots=True)
class Entry:
    """`name=value` between commas, or a value alone, whose name is empty. The text of a value that is shape is kept."""

    name: str
    value: "Slot | str | Group | Names"


@dataclass(frozen=True, slots=True)
class Group:
    """What stands between parentheses."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One relation of a path in `include`, with its options."""

    name: str
    options: Group | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The paths of an `include`."""

    paths: tuple[tuple[Step, ...], ...]


class Malformed(ValueError):
    """Text that is not of the grammar, with the rest of a sentence that begins with the name of the parameter."""


@dataclass(slots=True)
class Reader:
    """Reads one text from left to right; `put` puts a value aside and answers its slot.

    The text of options in `structural` is shape.
    """

    text: str
    put: Callable[[str], Slot]
    structural: frozenset[str] = STRUCTURAL
    position: int = 0
    entries: int = 0

    def whole(self) -> Group:
        """Read a text that is one pair of parentheses. Raises `Malformed`."""
        group = self.group(1)
        self._end()
        return group

    def names(self) -> Names:
        """Read a text that lists paths of relations. Raises `Malformed`."""
        names = self._paths(1)
        self._end()
        return names

    def group(self, depth: int) -> Group:
        """Read what stands between parentheses."""
        if depth > MAX_DEPTH:
            raise Malformed(f"has more than {MAX_DEPTH} parentheses inside one another")
        self._expect("(")
        entries = [self._entry(depth)]
        while self._at(","):
            self.position += 1
            entries.append(self._entry(depth))
        self._expect(")")
        return Group(tuple(entries))

    def _entry(self, depth: int) -> Entry:
        self._count()
        if self._at('"'):
            return Entry("", self.put(self._quoted()))
        start = self.position
        name = self._match(_NAME).strip()
        if not self._at("="):
            self.position = start
            return Entry("", self.put(self._value()))
        self.position += 1
        return Entry(name, self._named(name, depth))

    def _named(self, name: str, depth: int) -> "Slot | str | Group | Names":
        if name == "include":
            return self._nested(depth)
        if name == "limit" and name in self.structural:
            return self._quoted() if self._at('"') else self._value()
        if name in self.structural or name.endswith(FLAGS):
            return self._texts() if self._at("(") else self._match(_PLAIN)
        if self._at("("):
            return self.group(depth + 1)
        return self.put(self._quoted() if self._at('"') else self._value())

    def _nested(self, depth: int) -> Names:
        if not self._at("("):
            return Names((self._path(depth + 1),))
        self.position += 1
        names = self._paths(depth + 1)
        self._expect(")")
        return names

    def _texts(self) -> str:
        """Take the text of a list of names: `(id,-body)`."""
        end = self.text.find(")", self.position)
        found = self.text[self.position + 1 : end if end >= 0 else None]
        self.position += len(found) + 1
        if "(" in found:
            raise Malformed(f"has a parenthesis out of place after '{found[: found.index('(')][:50]}'")
        self._expect(")")
        return found

    def _paths(self, depth: int) -> Names:
        paths = [self._path(depth)]
        while self._at(","):
            self.position += 1
            paths.append(self._path(depth))
        return Names(tuple(paths))

    def _path(self, depth: int) -> tuple[Step, ...]:
        self._count()
        steps: list[Step] = []
        while True:
            name = self._match(_STEP).strip()
            if not name:
                raise Malformed(f"needs a name {self._place()}, not {self._here()}")
            steps.append(Step(name, self.group(depth) if self._at("(") else None))
            if not self._at("."):
                return tuple(steps)
            self.position += 1

    def _value(self) -> str:
        value = self._match(_PLAIN)
        if self._at("(") or self._at('"'):
            raise Malformed(f"has {self._here()} in the middle of '{value[:50]}': write such a value in double quotes")
        return value

    def _quoted(self) -> str:
        found = _QUOTED.match(self.text, self.position)
        if found is None:
            raise Malformed("has a double quote that is not closed")
        self.position = found.end()
        return found[1].replace('""', '"')

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        assert found is not None  # the empty text matches
        self.position = found.end()
        return found[0]

    def _count(self) -> None:
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise Malformed(f"has more than {MAX_ENTRIES} parts")

    def _at(self, character: str) -> bool:
        return self.text.startswith(character, self.position)

    def _expect(self, character: str) -> None:
        if not self._at(character):
            raise Malformed(f"needs {_SIGNS[character]} {self._place()}, not {self._here()}")
        self.position += 1

    def _end(self) -> None:
        if self.position < len(self.text):
            raise Malformed(f"goes on {self._place()} with {self._here()}, where it should end")

    def _place(self) -> str:
        before = self.text[max(0, self.position - 20) : self.position]
        return f"after '{before}'" if before else "at its beginning"

    def _here(self) -> str:
        sign = self.text[self.position : self.position + 1]
        return _SIGNS.get(sign, f"'{sign}'") if sign else "its end"


_SIGNS = {"(": "a '('", ")": "a ')'", ",": "a comma", '"': "a double quote"}
