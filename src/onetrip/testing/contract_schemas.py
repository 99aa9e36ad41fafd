"""Two JSON schemas of a contract: what a request may no longer hold, and what an answer holds that it did not."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

Note = Callable[[bool, str, str], None]
"""Is told whether something breaks clients, where it is, and what."""

Side = Literal["request", "answer"]

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_EXACT = ("format", "pattern", "multipleOf")
_NAME = re.compile(r"[A-Za-z_]\w{1,}")
_LONG = 60


class Schemas:
    """The schemas of two documents."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any], note: Note) -> None:
        self._documents = (old, new)
        self._note = note
        self._seen: set[tuple[Side, str]] = set()

    def compare(self, side: Side, where: str, old: Any, new: Any) -> None:
        """Compare two schemas of the same place; a component is compared once for each side, under its name."""
        name = _name(old)
        if name is not None and name == _name(new):
            if (side, name) in self._seen:
                return
            self._seen.add((side, name))
            where = name
        before, after = self._branches(0, old), self._branches(1, new)
        self._types(side, where, before, after)
        for kind in before.keys() & after.keys():
            self._branch(side, where, before[kind], after[kind])

    def _branches(self, document: int, schema: Any) -> dict[str, Any]:
        """List what a schema admits: by JSON type, and objects that are components by their name."""
        schema, name = self._resolved(document, schema), _name(schema)
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            found: dict[str, Any] = {}
            for each in alternatives:
                found |= self._branches(document, each)
            return found
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self._branches(document, schema["allOf"][0])
        kinds = schema.get("type", "any")
        if kinds == "object" and (name or schema.get("title")):
            return {name or schema["title"]: schema}
        return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)

    def _resolved(self, document: int, schema: Any) -> Any:
        if not isinstance(schema, Mapping):  # true: anything
            return {}
        if "$ref" not in schema:
            return schema
        found: Any = self._documents[document]
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def _types(self, side: Side, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for kind in sorted(old.keys() - new.keys()):
            what = f"{kind} is not taken any more" if side == "request" else f"is never {kind} any more"
            self._note(side == "request", where, what)
        for kind in sorted(new.keys() - old.keys()):
            what = f"{kind} is taken" if side == "request" else f"may be {kind} now"
            self._note(side == "answer", where, what)

    def _branch(self, side: Side, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self._values(side, where, old, new)
        if side == "request":
            self._bounds(where, old, new)
        for word in _EXACT:
            before, after = old.get(word), new.get(word)
            if before != after and not (word == "pattern" and self._names(side, where, str(before), str(after))):
                breaking = side == "answer" or after is not None
                self._note(breaking, where, f"{word} is {_short(after)} now, and was {_short(before)}")
        if "items" in old and "items" in new:
            self.compare(side, f"{where}[]", old["items"], new["items"])
        self._properties(side, where, old, new)

    def _names(self, side: Side, where: str, old: str, new: str) -> bool:
        """Compare patterns that list names, as those of `sort` do. Says whether they differ in nothing else."""
        before, after = (dict.fromkeys(_NAME.findall(each)) for each in (old, new))
        for name in (each for each in before if each not in after):
            self._note(side == "request", where, f"{name} is not one of the names any more")
        for name in (each for each in after if each not in before):
            self._note(side == "answer", where, f"{name} is one of the names now")
        return "|" in old + new and before.keys() != after.keys()

    def _values(self, side: Side, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        before, after = (each.get("enum", [each["const"]] if "const" in each else None) for each in (old, new))
        if before is None and after is None:
            return
        if before is None or after is None:
            breaking = (after is not None) if side == "request" else (before is not None)
            self._note(breaking, where, "any value now" if after is None else f"one of {after} now")
            return
        for value in (each for each in before if each not in after):
            self._note(side == "request", where, f"{value!r} is not one of the values any more")
        for value in (each for each in after if each not in before):
            self._note(side == "answer", where, f"{value!r} is one of the values now")

    def _bounds(self, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for words, sign in ((_LEAST, 1), (_MOST, -1)):
            for word in words:
                before, after = old.get(word), new.get(word)
                if before == after:
                    continue
                narrower = after is not None and (before is None or sign * (after - before) > 0)
                now, was = ("none" if each is None else each for each in (after, before))
                self._note(narrower, where, f"{word} is {now} now, and was {was}")

    def _properties(self, side: Side, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in before.keys() - after.keys():
            self._note(True, f"{where}.{name}", "removed")
        for name in after.keys() - before.keys():
            required = side == "request" and name in needs
            self._note(required, f"{where}.{name}", f"added{', and it is required' if required else ''}")
        for name in before.keys() & after.keys():
            if (name in needed) is not (name in needs):
                breaking = (name in needs) if side == "request" else (name in needed)
                self._note(breaking, f"{where}.{name}", "required now" if name in needs else "optional now")
            self.compare(side, f"{where}.{name}", before[name], after[name])


def _name(schema: Any) -> str | None:
    """Name the component that a schema refers to."""
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return None if reference is None else str(reference).rpartition("/")[2]


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
