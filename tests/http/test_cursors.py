"""Cursors belong to one list: a changed, foreign or made-up one is a 422, and tells nothing."""

import base64
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Field

from onetrip import API, ConfigurationError
from onetrip.http.cursor import MAX_POSITION, Cursors, Scope, position_of
from tests.http.conftest import Served
from tests.http.test_pagination import links
from tests.schema.serving import base
from tests.schema.serving import served as serve
from tests.support import blog
from tests.support.counting import count_statements
from tests.support.databases import Backend

LIST = "/posts?author_id=1&sort=-views&limit=2"


def cursor_of(served: Served, url: str, relation: str = "next") -> str:
    found = links(served.client.get(url))[relation]
    return found.rpartition("=")[2]


def refused(served: Served, url: str) -> None:
    """The answer is a 422 of one kind, and no statement is run."""
    with count_statements(served.backend, served.api) as statements:
        answer = served.client.get(url)
    assert (answer.status, len(statements)) == (422, 0), answer.body
    (error,) = answer.json()["errors"]
    assert error["type"] == "invalid_cursor"
    assert error["msg"] == (
        f"'{error['loc'][-1]}' is no cursor of this list: it is damaged, or of another list, sort, filter or direction."
    )


@pytest.mark.parametrize(
    "same",
    [
        "/posts?limit=1&sort=-views&author_id=1", "/posts?author_id=1&sort=-views&fields=id",
        "/posts?author_id=1&sort=-views,-id&include=author&count=exact", "/posts?author_id=1&%73ort=-views",
        "/posts?author_id=1&sort=-views&limit=0", "/posts?author_id=%31&sort=-views",
    ],
)  # fmt: skip
def test_of_the_same_list(served: Served, same: str) -> None:
    """How a list is written, and what is shown of it, makes no other list of it."""
    cursor = cursor_of(served, LIST)
    answer = served.client.get(f"{same}&after={cursor}")
    assert answer.status == 200
    expected = [3, 1] if "limit=1" not in same else [3]
    assert [row["id"] for row in answer.json()] == ([] if "limit=0" in same else expected)


@pytest.mark.parametrize(
    "other",
    [
        "/posts?author_id=2&sort=-views", "/posts?sort=-views", "/posts?author_id=1", "/posts?author_id=1&sort=views",
        "/posts?author_id=1&sort=-views:nullslast", "/posts?author_id=1&sort=-views,id", "/users?sort=-id",
        "/posts?author_id=1&sort=-views&published=true", "/posts?author_id__ne=1&sort=-views",
        "/posts?or=(author_id=1)&sort=-views", "/users/1/posts?sort=-views", "/users/1/posts?author_id=1&sort=-views",
    ],
)  # fmt: skip
def test_of_another_list(served: Served, other: str) -> None:
    """Resource, relation, order, filters and their values make a list."""
    refused(served, f"{other}&after={cursor_of(served, LIST)}")


def test_of_another_parent_or_direction(served: Served) -> None:
    """So does the parent; and what leads forwards does not lead back."""
    cursor = cursor_of(served, "/accounts/1/sent?limit=1")
    assert served.client.get(f"/accounts/1/sent?after={cursor}").status == 200
    refused(served, f"/accounts/2/sent?after={cursor}")
    refused(served, f"/accounts/1/received?after={cursor}")
    refused(served, f"/accounts/1/sent?before={cursor}")
    back = cursor_of(served, f"/accounts/1/sent?limit=1&after={cursor}", "prev")
    assert served.client.get(f"/accounts/1/sent?before={back}").status == 200
    refused(served, f"/accounts/1/sent?after={back}")


EMBED = "/users/1?include=posts({}sort=(-views),published=true)"


@pytest.mark.parametrize(
    "same",
    [
        EMBED, "/users/1?fields=id,posts.id&include=posts(published=true,{}sort=(-views,-id))",
        "/users/1?include=posts(published=true,{}sort=(-views),include=comments,fields=(id),limit=9),comments(limit=1)",
    ],
)  # fmt: skip
def test_of_an_embed(served: Served, same: str) -> None:
    """The rows that are embedded in one row are those of its collection, and have its cursors."""
    cursor = cursor_of(served, "/users/1/posts?sort=-views&published=true&limit=1")
    with count_statements(served.backend, served.api) as statements:
        answer = served.client.get(same.format(f"after={cursor},"))
    assert (answer.status, len(statements)) == (200, 1), answer.body
    assert [row["id"] for row in answer.json()["posts"]] == [4, 1]
    assert len(served.client.get(same.format("")).json()["posts"]) == 3


@pytest.mark.parametrize(
    "other",
    [
        EMBED.replace("users/1", "users/2"), EMBED.replace("-views", "views"), EMBED.replace("true", "false"),
        EMBED.replace(",published=true", ""), "/users/1?include=comments({}sort=(-id))",
        "/users/1?include=posts({}sort=(-views),id__gte=1,published=true)",
    ],
)  # fmt: skip
def test_of_another_embed(served: Served, other: str) -> None:
    """They belong to one parent, order and filter, as those of a list do."""
    cursor = cursor_of(served, "/users/1/posts?sort=-views&published=true&limit=1")
    refused(served, other.format(f"after={cursor},"))
    refused(served, EMBED.format(f"after={cursor_of(served, '/posts?sort=-views&published=true&limit=1')},"))


def test_damaged(served: Served) -> None:
    """Each character counts, and each of them is needed."""
    cursor = cursor_of(served, LIST)
    for at, character in enumerate(cursor):
        refused(served, f"{LIST}&after={cursor[:at]}{'A' if character != 'A' else 'B'}{cursor[at + 1 :]}")
        refused(served, f"{LIST}&after={cursor[:at] or 'A'}")
        refused(served, f"{LIST}&after={cursor[:at]}A{cursor[at:]}")
    for character in string.ascii_letters + string.digits + "-_":  # some of its bits mean nothing
        if character != cursor[-1]:
            refused(served, f"{LIST}&after={cursor[:-1]}{character}")
    assert served.client.get(f"{LIST}&after={cursor}").status == 200


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(st.text("AZaz09-_", min_size=1), st.binary(min_size=1).map(base64.urlsafe_b64encode), st.binary())
)
def test_anything(on_sqlite: Served, text: str | bytes) -> None:
    """No text makes a 5xx."""
    written = text.encode() if isinstance(text, str) else b"".join(b"%%%02X" % byte for byte in text)
    for name in (b"after", b"before"):
        answer = on_sqlite.client.request("GET", b"/posts?" + name + b"=" + written)
        assert answer.status in (400, 422), answer.body


@given(
    position=st.binary(max_size=300), scope=st.binary(), other=st.binary(), text=st.text(), hidden=st.booleans(),
    direction=st.sampled_from(["after", "before"]),
)  # fmt: skip
def test_secrets(position: bytes, scope: bytes, other: bytes, text: str, hidden: bool, direction: str) -> None:
    """A cursor is read with its secret, list, values and direction alone, is the same every time, and shows nothing."""
    text = text.replace("\0", "")
    cursors = Cursors("a secret of sixteen").of(Scope(scope, (1,)))
    position = b'["%b"]' % position.hex().encode()
    written = cursors.write(direction, ("x", text), position, hidden=hidden)
    again = Cursors("a secret of sixteen").of(Scope(scope, (1,)))
    assert written is not None and written == again.write(direction, ("y", text), position, hidden=hidden)
    raw = base64.urlsafe_b64decode(written + b"==")
    assert (position in raw) is not hidden and (not hidden or len(position) < 12 or position[2:10] not in raw)
    loc = ("query", direction)
    assert cursors.read(direction, ("", text), written.decode(), loc) == [position[2:-2].decode()]
    turned = "before" if direction == "after" else "after"
    for secret, of, values, where in (
        ("another secret, too", scope, text, direction),
        ("a secret of sixteen", scope + b"x", text, direction),
        ("a secret of sixteen", other + b"y" + scope, text, direction),
        ("a secret of sixteen", scope, text + "x", direction),
        ("a secret of sixteen", scope, text, turned),
    ):
        with pytest.raises(Exception, match="no cursor of this list"):
            Cursors(secret).of(Scope(of, (1,))).read(where, ("", values), written.decode(), loc)


@pytest.mark.parametrize(
    ("names", "records", "first", "last"),
    [
        (["id"], b'{"id": 1, "b": 2}\x1e{"id":22 ,"b":3}', b"[1]", b"[22]"),
        (["id"], b'{"id" : 1}\x1e{"id": 2}', b"[1]", b"[2]"),
        (["id"], b'{"id": -1, "b": [1,2]}\x1e{"id": null}', b"[-1]", b"[null]"),
        (["id"], b'{"id": "1,2"}\x1e{"id": "}", "b": 1}', b'["1,2"]', b'["}"]'),
        (["id"], b'{"b": 7, "id": 1}\x1e{"idx": 3, "id": 2}', b"[1]", b"[2]"),
        (["b", "id"], b'{"id": 1, "b": "x"}\x1e{"id": 2, "b": {"id": 3}}', b'["x",1]', b'[{"id":3},2]'),
    ],
)
def test_where_a_record_stands(names: list[str], records: bytes, first: bytes, last: bytes) -> None:
    """It is read from the record, wherever its members are."""
    position = position_of(names)
    assert position(records, 0) == first
    assert position(records, records.rfind(b"\x1e") + 1) == last


def test_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given, or stands in the environment, or follows from the database's URL: the same in every process."""

    def cursor(url: str = f"sqlite:///{tmp_path}/a.db", **options: str) -> bytes | None:
        cursors = API(blog.User, database=url, **options).pipeline.cursors  # type: ignore[arg-type]
        return cursors.of(Scope(b"scope")).write("after", (), b"[1]", hidden=True)

    assert cursor() == cursor() != cursor(f"sqlite:///{tmp_path}/b.db")
    assert cursor("postgresql://u:one@host/x") != cursor("postgresql://u:two@host/x")
    assert cursor("sqlite://") != cursor("sqlite://"), "nobody else has this database, and anybody knows its URL"
    given = cursor(secret="a secret of sixteen")
    assert given == cursor(f"sqlite:///{tmp_path}/b.db", secret="a secret of sixteen") != cursor()
    monkeypatch.setenv("ONETRIP_SECRET", "a secret of sixteen")
    assert cursor() == given != cursor(secret="another secret, too")
    with pytest.raises(ConfigurationError, match="needs at least 16"):
        cursor(secret="short")


def test_text_that_is_too_long(backend: Backend) -> None:
    """Where no cursor fits, `offset` leads on; behind a cursor that is a 422, and never the end of the list."""
    Base = base()

    class Text(Base, table=True):  # type: ignore[misc,valid-type]
        id: int = Field(primary_key=True)
        body: str

    long = "x" * MAX_POSITION
    rows = [Text(id=1, body="a"), Text(id=2, body=long), Text(id=3, body=long)]
    with serve(backend, Text, rows=rows) as found:
        first = links(found.client.get("/texts?sort=body&limit=2"))
        assert first["next"] == "/texts?sort=body&limit=2&offset=2"
        assert [row["id"] for row in found.get(first["next"])] == [3]
        behind = links(found.client.get("/texts?sort=body&limit=1"))["next"]
        answer = found.client.get(behind)
        assert (answer.status, answer.json()["errors"][0]["type"]) == (422, "not_sortable")
        assert [row["id"] for row in found.get(behind.replace("limit=1", "limit=2"))] == [2, 3]
