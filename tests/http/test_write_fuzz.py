"""Anything at all in a body, and any order of writes: never a failure, the same from both databases, and remembered."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.http.client import Answer
from tests.http.conftest import Written
from tests.http.specs.spec import verify_problem

_settings = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

_NAMES = [
    "id", "email", "name", "bio", "role", "hashed_password", "title", "content", "views", "published", "author_id",
    "author", "posts", "whole", "small", "big", "code", "text", "price", "ratio", "flag", "day", "moment", "local",
    "kind", "document", "ticket", "level", "twice", "version", "givenName", "room", "label", "parent_id", "",
]  # fmt: skip
_VALUES = [
    "", "x", "a@b", "reader", "plain", "2026-01-31", "2026-01-31T09:30:00Z", "9999-12-31T23:59:59.999999Z", "1.50",
    "nan", "00000000-0000-0000-0000-00000000000a", "\x00", "\ud800", "🚀", "x" * 300, 0, 1, -1, 1.5, 2**31, 2**63,
    10**400, 1e308, None, True, False,
]  # fmt: skip
_PATHS = [
    f"/{name}{key}" for name in ("authors", "posts", "samples", "countries", "shelves", "pages", "nodes", "badges")
    for key in ("", "/1", "/99", "/a,b", "/DE")
]  # fmt: skip

_leaf = st.sampled_from(_VALUES) | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)
_json = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
_object = st.dictionaries(st.sampled_from(_NAMES), _leaf | _json, max_size=6)
_known = st.sampled_from([
    {"email": "f", "name": "f"}, {"title": "f", "author_id": 1}, {"code": "f", "name": "f"},
    {"room": "f", "label": "f"},
    {"name": "f", "parent_id": 1}, {"whole": 1}, {"givenName": "f"}, {"title": "f"},
])  # fmt: skip
_body = _json | _object | st.builds(lambda one, other: {**one, **other}, _known, _object) | st.lists(_known, max_size=3)
_methods = st.sampled_from(["POST", "PATCH", "PUT", "DELETE"])


def _same(one: Answer, other: Answer) -> None:
    """Both answer alike, and neither fails."""
    assert one.status < 500, one.body
    assert one.status == other.status, (one.body, other.body)
    assert one.headers.get("location") == other.headers.get("location")
    if one.status >= 400:
        verify_problem(one)
        assert {**one.json(), "request_id": 0} == {**other.json(), "request_id": 0}


@_settings
@given(_methods, st.sampled_from(_PATHS), _body)
def test_any_body(
    written_on_sqlite: Written, written_on_postgresql: Written, method: str, path: str, body: Any
) -> None:
    """Known and unknown keys with right and wrong values get the same answer from both, and never a 5xx."""
    both = (written_on_sqlite, written_on_postgresql)
    for written in both:
        written.contents.reset()
    answers = [written.client.send(method, path, body) for written in both]
    _same(*answers)
    if (
        answers[0].status in (200, 201)
        and isinstance(answers[0].json(), dict)
        and "created_at" not in answers[0].json()
    ):
        for written, answer in zip(both, answers, strict=True):
            location = answer.headers.get("location", path)
            assert written.client.get(location).body == answer.body


@_settings
@given(_methods, st.sampled_from(_PATHS), st.binary(max_size=60))
def test_any_bytes(written_on_sqlite: Written, method: str, path: str, body: bytes) -> None:
    """Bytes that are no JSON, or JSON by chance, do not fail."""
    answer = written_on_sqlite.client.request(method, path, {"content-type": "application/json"}, body)
    assert answer.status < 500, answer.body
    written_on_sqlite.contents.reset()


_title = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


class Pages(RuleBasedStateMachine):
    """Writes in any order, beside a dictionary that remembers what they do."""

    both: tuple[Written, Written]
    keys = Bundle("keys")

    @initialize()
    def begin(self) -> None:
        self.pages: dict[int, dict[str, Any]] = {
            1: {"title": "Home", "body": "", "version": 1}, 2: {"title": "About", "body": "", "version": 41},
        }  # fmt: skip
        for written in self.both:
            written.contents.reset()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send to both."""
        if method in ("GET", "DELETE"):
            one, other = (written.client.request(method, path, headers) for written in self.both)
        else:
            one, other = (written.client.send(method, path, body, **headers) for written in self.both)
        assert one.status == other.status < 500, (one.body, other.body)
        assert one.headers.get("etag") == other.headers.get("etag") or not self._is_row(one)
        return one

    @staticmethod
    def _is_row(answer: Answer) -> bool:
        return answer.status < 300 and answer.body.startswith(b"{")

    @rule(target=keys, titles=st.lists(_title, min_size=1, max_size=3), alone=st.booleans())
    def create(self, titles: list[str], alone: bool) -> Any:
        taken = {page["title"] for page in self.pages.values()}
        titles = titles[:1] if alone else titles
        answer = self.ask("POST", "/pages", {"title": titles[0]} if alone else [{"title": title} for title in titles])
        if taken & set(titles) or len(set(titles)) < len(titles):
            assert answer.status == 409
            for written in self.both:  # a sequence of PostgreSQL does not go back
                self._align(written)
            return multiple()
        assert answer.status == 201
        made = [answer.json()] if alone else answer.json()
        for page in made:
            assert page["id"] not in self.pages
            self.pages[page["id"]] = {"title": page["title"], "body": "", "version": 1}
        return multiple(*[page["id"] for page in made])

    def _align(self, written: Written) -> None:
        if written.backend.name == "postgresql":
            with written.contents.engine.begin() as connection:
                connection.exec_driver_sql(
                    "SELECT setval(pg_get_serial_sequence('page', 'id'), (SELECT max(id) FROM page))"
                )

    @rule(key=keys, body=_title, stale=st.booleans())
    def change(self, key: int, body: str, stale: bool) -> None:
        page = self.pages.get(key)
        version = page["version"] - stale if page else 1
        answer = self.ask("PATCH", f"/pages/{key}", {"body": body}, **{"if-match": f'"{version}"'})
        assert answer.status == (404 if page is None else 412 if stale else 200)
        if answer.status == 200 and page is not None:
            page |= {"body": body, "version": version + 1}

    @rule(key=keys, title=_title)
    def replace(self, key: int, title: str) -> None:
        answer = self.ask("PUT", f"/pages/{key}", {"title": title})
        taken = any(page["title"] == title for other, page in self.pages.items() if other != key)
        assert answer.status == (404 if key not in self.pages else 409 if taken else 200)
        if answer.status == 200:
            self.pages[key] = {"title": title, "body": "", "version": self.pages[key]["version"] + 1}

    @rule(key=consumes(keys))
    def delete(self, key: int) -> None:
        if max(self.pages, default=0) == key:  # SQLite gives the last key again
            return
        assert self.ask("DELETE", f"/pages/{key}").status == (204 if self.pages.pop(key, None) else 404)
        assert self.ask("GET", f"/pages/{key}").status == 404

    @rule(key=keys)
    def read(self, key: int) -> None:
        answer = self.ask("GET", f"/pages/{key}")
        assert answer.status == (200 if key in self.pages else 404)
        if key in self.pages:
            assert self.pages[key].items() <= answer.json().items()
            assert answer.headers["etag"] == f'"{self.pages[key]["version"]}"'

    def teardown(self) -> None:
        if hasattr(self, "pages"):
            listed = self.ask("GET", "/pages?limit=1000").json()
            assert {page["id"]: page["title"] for page in listed} == {
                key: page["title"] for key, page in self.pages.items()
            }


def test_any_order_of_writes(written_on_sqlite: Written, written_on_postgresql: Written) -> None:
    """Whatever is created, changed, replaced and deleted in whatever order is as a dictionary has it."""

    class Machine(Pages):
        both = (written_on_sqlite, written_on_postgresql)

    run_state_machine_as_test(Machine, settings=settings(_settings, max_examples=20, stateful_step_count=15))
