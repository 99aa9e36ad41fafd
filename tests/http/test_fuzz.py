"""Anything at all in a URL: never a failure, and the same from both databases.

At length, and other requests every time: `ONETRIP_FUZZ=50000 pytest tests/http/test_fuzz.py`.
"""

import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from onetrip.db.database import Database
from tests.http.client import Answer
from tests.http.conftest import Served
from tests.http.noise import MARKS, Noise
from tests.http.specs.spec import verify_problem

_NAMES = [
    "id", "small", "big", "text", "flag", "price", "ratio", "day", "moment", "local", "clock", "token_id", "color",
    "document",
    "limit", "offset", "sort", "fields", "include", "count", "q", "or", "title", "views", "author", "author_id",
    "author.name",
    "posts", "comments", "hashed_password", "internal_note", "code", "position", "_link", "__class__", "",
]  # fmt: skip
_VALUES = [
    "", "0", "1", "-1", "2147483648", "9" * 30, "1.5", "1e308", "-0", "nan", "true", "false", "null", "red", "RED",
    "x", "%", "_",
    "2026-01-31", "2026-01-31T09:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "09:30", "24:00:00",
    "00000000-0000-0000-0000-00000000000a", "id,title", "-id", "id:nullsfirst", "author", "author.posts",
    "comments.author.posts",
    "author.posts.author.posts", "a,b", '"a,b"', "(a)", "'; DROP TABLE users; --", "ä", "🚀", "\ufeff", "\u202e",
    "\r\n", "*",
]  # fmt: skip
_PATHS = [
    "/users", "/posts", "/samples", "/countries", "/playlist_track", "/reserved", "/people", "/employees", "/accounts",
    "/vaults",
    "/posts/1", "/posts/99", "/samples/1", "/playlist_track/1,10", "/users/1/posts", "/posts/1/author",
    "/posts/1/comments",
    "/playlists/1/tracks", "/people/1/follows", "/employees/1/badge", "/employees/4/boss",
]  # fmt: skip

_escaped = st.binary(max_size=6).map(lambda raw: quote_from_bytes(raw, safe=""))
_word = st.one_of(st.sampled_from(_NAMES), st.text(max_size=8), st.tuples(*[st.sampled_from(_NAMES)] * 2).map(".".join))
_name = st.one_of(_word, st.tuples(_word, st.sampled_from(["eq", "gt", "in", "is_null", "", "foo"])).map("__".join))
_value = st.one_of(st.sampled_from(_VALUES), st.sampled_from(_NAMES), st.text(max_size=12), st.integers().map(str))
_text = st.one_of(_name, _value).map(lambda text: quote_from_bytes(text.encode("utf-8", "replace"), safe=",.:-_"))
_pair = st.one_of(
    st.tuples(_name,
    _value).map(lambda pair: "=".join(quote_from_bytes(p.encode("utf-8", "replace"), safe=",.:-_") for p in pair)),
    _text, _escaped,
)  # fmt: skip
_query = st.lists(_pair, max_size=5).map("&".join)
_target = st.tuples(st.sampled_from(_PATHS), _query).map("?".join)
_headers = st.fixed_dictionaries(
    {}, optional={"accept": st.text(st.characters(max_codepoint=255), max_size=20),
                  "if-none-match": st.text(st.characters(max_codepoint=255), max_size=20)}
)  # fmt: skip

_settings = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _holds(answer: Answer, target: str = "") -> None:
    """An answer is no failure, a problem is a problem, and nothing is more than what was asked for."""
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        verify_problem(answer)
    elif answer.status == 200:
        body = answer.json()
        assert isinstance(body, dict) or len(body) <= (1000 if "limit" in target else 50)


@_settings
@given(_target, _headers)
@example("/samples?limit=1000&small=1", {})
@example("/users?" + "&".join(["&"] * 100), {})
def test_both_databases_answer_alike_and_never_fail(
    on_sqlite: Served, on_postgresql: Served, target: str, headers: dict[str, str]
) -> None:
    """Known and unknown names with right and wrong values get the same answer from both, and never a 5xx."""
    one, other = (served.client.request("GET", target, headers) for served in (on_sqlite, on_postgresql))
    _holds(one, target)
    assert (one.status, one.headers) == (other.status, other.headers)
    assert _without_id(one) == _without_id(other)


@_settings
@given(st.binary(max_size=60), st.sampled_from(_PATHS))
def test_any_bytes_of_a_query_string(on_sqlite: Served, query: bytes, path: str) -> None:
    """Bytes that no client library would send do not fail either."""
    _holds(on_sqlite.client.request("GET", path.encode() + b"?" + query))


@_settings
@given(st.lists(st.one_of(st.sampled_from(["users", "posts", "1", "countries", "playlist_track", "1,10", "author",
"..", "", "livez"]),
                          st.text(max_size=6).map(lambda text: quote_from_bytes(text.encode("utf-8", "replace"),
                          safe="")),
                          _escaped), max_size=5))  # fmt: skip
def test_any_path(on_sqlite: Served, segments: list[str]) -> None:
    """Whatever stands in a path is found, is not found, or is refused."""
    answer = on_sqlite.client.get("/" + "/".join(segments))
    assert answer.status in (200, 307, 400, 404, 422)
    if answer.status >= 400:
        verify_problem(answer)


@_settings
@given(st.sampled_from(_PATHS), st.text(st.characters(min_codepoint=65, max_codepoint=90), min_size=1, max_size=8))
def test_any_method(on_sqlite: Served, path: str, method: str) -> None:
    """A method that is not for reading is refused by name, one that is, is not."""
    answer = on_sqlite.client.request(method, path)
    assert answer.status in ((200, 404) if method in ("GET", "HEAD") else (405,))


FUZZ = int(os.environ.get("ONETRIP_FUZZ", "0"))
"""How many query strings are made up; 0 for a few, the same every time."""


@contextmanager
def _statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Collect the text of every statement that is run."""
    sent: set[str] = set()

    def noting(method: Any) -> Any:
        def run(database: Database, statement: Any, values: Any) -> Any:
            sent.add(statement.text)
            return method(database, statement, values)

        return run

    with monkeypatch.context() as patched:
        for name in ("run", "stream"):
            patched.setattr(Database, name, noting(getattr(Database, name)))
        yield sent


def test_what_clients_send_is_no_statement(
    on_sqlite: Served, on_postgresql: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the schema admits, and that with characters changed: no failure, no word of it in SQL, and one answer."""
    seed = random.randrange(2**32) if FUZZ else 1
    noise, statuses = Noise(on_sqlite.api.schema, random.Random(seed)), Counter[int]()
    with _statements(monkeypatch) as sent:
        for number in range(FUZZ or 600):
            target, accept = noise.target()
            asked = (target, accept, seed)
            one, other = (
                served.client.request("GET", target, {"accept": accept}) for served in (on_sqlite, on_postgresql)
            )
            assert one.status < 500, asked
            assert _comparable(one, target) == _comparable(other, target), asked
            if one.status >= 400:
                verify_problem(one)
            statuses[one.status] += 1
            if number % 100 == 99:
                assert not [text for text in sent if any(mark in text for mark in MARKS)], seed
                sent.clear()
    assert min(statuses[200], statuses[404], statuses[422]) > sum(statuses.values()) / 50, statuses


def _comparable(answer: Answer, target: bytes) -> Any:
    """What two databases agree in: each has cursors and estimates of its own."""
    headers = dict(answer.headers)
    if b"estimated" in target:
        headers.pop("x-total-count", None)
    headers["link"] = re.sub("(after|before)=[^&>]*", r"\1", headers.get("link", ""))
    return answer.status, headers, _without_id(answer)


def _without_id(answer: Answer) -> Any:
    if answer.status < 400:
        return answer.body
    problem = json.loads(answer.body)
    return [(name, value) for name, value in problem.items() if name != "request_id"]
