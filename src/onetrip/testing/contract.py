"""The OpenAPI document as a contract: written down once, and compared with what the application says now.

What would break a client that was right before is told from what would not. Requests may not be refused that were
taken, and answers may not hold what was not announced.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from onetrip.testing.contract_schemas import Schemas

_FEW = 20  # new things that are listed: a column alone has twenty filters
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing that is not as it was: where, what, and whether it breaks clients."""

    breaking: bool
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Contract:
    """The document of an application, and the file in which it was written down."""

    def __init__(self, document: Mapping[str, Any], path: Path, *, update: bool) -> None:
        self.document = document
        self.path = path
        self.update = update

    def check(self) -> None:
        """Compare the document with the file, or write it there. Raises `AssertionError` for any difference."""
        __tracebackhide__ = True
        if self.update:
            self.path.write_text(json.dumps(self.document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            return
        again = "pytest --onetrip-update-contract"
        if not self.path.is_file():
            raise AssertionError(f"There is no contract yet in {self.path.name}: write it with {again}.")
        found = differences(json.loads(self.path.read_text(encoding="utf-8")), self.document)
        if found:
            raise AssertionError(f"{report(found)}\n\nIf it is meant, write the contract anew: {again}")


def report(found: list[Difference]) -> str:
    """Write differences for people, those that break clients first."""
    parts = []
    for breaking, title in ((True, "What breaks clients"), (False, "What is new or wider")):
        lines = [f"  {each}" for each in found if each.breaking is breaking]
        most = len(lines) if breaking or len(lines) <= _FEW else _FEW
        if lines:
            more = [f"  … and {len(lines) - most} more"] if most < len(lines) else []
            parts.append("\n".join([f"{title}:", *lines[:most], *more]))
    return "\n\n".join(parts)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """List the differences of two OpenAPI documents, each once, those that break clients first."""
    comparison = _Comparison(old, new)
    comparison.paths()
    return sorted(set(comparison.found), key=lambda each: (not each.breaking, each.where, each.what))


class _Comparison:
    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.old = old
        self.new = new
        self.found: list[Difference] = []
        self.schemas = Schemas(old, new, self._note)

    def _note(self, breaking: bool, where: str, what: str) -> None:
        self.found.append(Difference(breaking, where, what))

    def paths(self) -> None:
        """Compare all operations."""
        before, after = dict(_operations(self.old)), dict(_operations(self.new))
        for name in before.keys() - after.keys():
            self._note(True, name, "removed")
        for name in after.keys() - before.keys():
            self._note(False, name, "added")
        for name in before.keys() & after.keys():
            self._parameters(name, before[name], after[name])
            self._body(name, before[name].get("requestBody"), after[name].get("requestBody"))
            self._answers(name, before[name].get("responses", {}), after[name].get("responses", {}))

    def _parameters(self, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        before, after = _parameters(old), _parameters(new)
        for key in before.keys() - after.keys():
            self._note(True, name, f"{key} removed")
        for key in after.keys() - before.keys():
            required = bool(after[key].get("required"))
            self._note(required, name, f"{key} added{', and it is required' if required else ''}")
        for key in before.keys() & after.keys():
            self._required(f"{name} {key}", before[key], after[key])
            self.schemas.compare("request", f"{name} {key}", _schema(before[key]), _schema(after[key]))

    def _required(self, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if bool(old.get("required")) is not bool(new.get("required")):
            self._note(bool(new.get("required")), where, "required now" if new.get("required") else "optional now")

    def _body(self, name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
        if old is None or new is None:
            if old is not new:
                required = new is not None and bool(new.get("required"))
                added = f"a body is taken{', and required' if required else ''}"
                self._note(new is None or required, name, "no body is taken any more" if new is None else added)
            return
        self._required(f"{name} body", old, new)
        self._content("request", f"{name} body", old.get("content", {}), new.get("content", {}))

    def _answers(self, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for status in old.keys() - new.keys():
            self._note(status.startswith("2"), name, f"{status} is not answered any more")
        for status in new.keys() - old.keys():
            self._note(False, name, f"{status} may be answered")
        for status in old.keys() & new.keys():
            self._content("answer", f"{name} {status}", old[status].get("content", {}), new[status].get("content", {}))

    def _content(
        self, side: Literal["request", "answer"], where: str, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> None:
        for kind in old.keys() - new.keys():
            self._note(True, where, f"no {kind} any more")
        for kind in new.keys() - old.keys():
            self._note(False, where, f"{kind} added")
        for kind in old.keys() & new.keys():
            self.schemas.compare(side, where, old[kind].get("schema", {}), new[kind].get("schema", {}))


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def _parameters(operation: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {f"{each['in']} parameter '{each['name']}'": each for each in operation.get("parameters", ())}


def _schema(parameter: Mapping[str, Any]) -> Any:
    if "schema" in parameter:
        return parameter["schema"]
    return next((each.get("schema", {}) for each in parameter.get("content", {}).values()), {})
