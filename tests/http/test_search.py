"""`q`: the rows that have certain words, found alike on both databases."""

from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Field, Relationship

from onetrip import Limits, Resource, SoftDelete
from tests.http.searching import install, keys, searched
from tests.http.specs.spec import verify_problem
from tests.schema.serving import Served, base
from tests.support.counting import count_statements
from tests.support.databases import Backend

TEXTS = [
    "The analytical engine weaves algebraical patterns",
    "just as the Jacquard loom weaves flowers and leaves",
    "",
    None,
    "Müller-Lüdenscheidt isst Äpfel; MÜLLER",
    "Muller",
    "don't panic, it's O'Reilly",
    "dont",
    "version 3.14.15, 2026-01-31, #42, -7",
    "mail ada@example.com or http://example.com/a/b?c=d&e=f",
    "🚀 rocket🚀ship 🥳party🫠 👩‍💻 flag🇩🇪",
    "東京 大阪タワー",
    "λόγος",
    "snake_case CamelCase kebab-case",
    "naïve café",
    "straße STRASSE",
    "<b>bold</b> &amp; \u00a0nbsp\u200bzero soft\u00adhyphen",
    "or",
    "and not near",
    '"quoted" (parens) [brackets] a:b a^b c++ C# 100% 5$ €9 ₺8',
    "हिन्दी भाषा",
    "\ufeffbom x²",
    "back\\slash 'single' \"double\"",
    "tab\tnew\nline",
    "abc123 123abc 0x1F 007",
    "decomposed cafe\u0301",
    "ΛΌΓΟΣ",
]

FOUND: dict[str, list[int]] = {
    # words: all of them, in any column, upper and lower case alike
    "analytical": [1],
    "ENGINE": [1],
    "weaves": [1, 2],
    "weaves weaves": [1, 2],
    "engine loom": [],
    "weav": [],
    "Äpfel": [5],
    "äpfel": [5],
    "MÜLLER": [5],
    "muller": [6],
    "naive": [],
    "naïve": [15],
    "café": [15],
    "cafe": [],
    "cafe\u0301": [26],
    "straße": [16],
    "strasse": [16],
    "λόγος": [13, 27],
    "ΛΌΓΟΣ": [13, 27],
    "東京": [12],
    "大阪": [],
    "大阪*": [12],
    "हिन्दी": [21],
    "हिन्*": [21],
    # exclusion, alternatives, phrases, beginnings
    "weaves -loom": [1],
    'weaves -"jacquard loom"': [1],
    "weaves -jacq*": [1],
    "weaves -weaves": [],
    "loom OR engine": [1, 2],
    "loom or engine": [1, 2],
    "muller or weaves -loom": [1, 6],
    '"analytical engine"': [1],
    '"engine analytical"': [],
    "weav*": [1, 2],
    '"loom wea"*': [2],
    '"loom wea"': [],
    "a*": [1, 2, 10, 17, 19, 20, 25],
    # what stands between words
    "rocket": [11],
    "ship": [11],
    "party": [11],
    "flag": [11],
    "lüdenscheidt": [5],
    "müller-lüdenscheidt": [5],
    "lüdenscheidt-müller": [],
    "don't": [7],
    "dont": [8],
    "don": [7],
    "o'reilly": [7],
    "oreilly": [],
    "3.14.15": [9],
    "3.14": [9],
    "14.3": [],
    "2026-01": [9],
    "#42": [9],
    "42": [9],
    "7": [9],
    "ada@example.com": [10],
    "example": [10],
    "com/a/b": [10],
    "snake": [14],
    "snake_case": [14],
    "camel": [],
    "kebab-case": [14],
    "bold": [17],
    "amp": [17],
    "zero": [17],
    "hyphen": [17],
    "c#": [10, 20],
    "100%": [20],
    "€9": [20],
    "₺8": [20],
    "bom": [22],
    "x": [22],
    "back\\slash": [23],
    '"tab new line"': [24],
    "abc*": [25],
    "123abc": [25],
    "0x1f": [25],
    # no syntax of any database
    "or": [10, 18],
    "or or": [10, 18],
    "not": [19],
    "near": [19],
    "AND": [2, 19],
    "engine AND loom": [],
    "NEAR(engine weaves)": [],
    "c0:engine": [],
    "every": [],
    "engine:*": [1],
    "engine & loom": [],
    "engine | loom": [],
    "!engine": [1],
    "(engine)": [1],
    "engine -": [1],
    "engine \x01": [1],
    'engine "': [1],
    '"analytical engine': [1],
    # nothing to search for
    "": [],
    " ": [],
    "!!!": [],
    "🚀": [],
    "*": [],
    "-": [],
    "-*": [],
    '""': [],
    "'": [],
    "\ue000": [],
    "engine OR 🚀": [1],
}


def post_table() -> Any:
    class Post(base(), table=True):
        id: int | None = Field(default=None, primary_key=True)
        title: str = ""
        content: str | None = None

    return Post


def test_both_databases_find_the_same(backend: Backend) -> None:
    """Whatever is written, and whatever is searched for."""
    post = post_table()
    rows = [post(id=number, content=text) for number, text in enumerate(TEXTS, 1)]
    with searched(backend, Resource(post, search=["title", "content"]), rows=rows) as found:
        assert {q: sorted(keys(found, "/posts", q)) for q in FOUND} == FOUND
        without = [number for number in range(1, len(TEXTS) + 1) if number not in (1, 2)]
        assert sorted(keys(found, "/posts", "-weaves")) == without
        assert sorted(keys(found, "/posts", "-weaves OR engine")) == [1, *without]


def test_words_are_those_of_any_column_and_phrases_of_one(backend: Backend) -> None:
    """Two words may stand in two columns; a phrase does not go on from one to the next."""
    post = post_table()
    rows = [post(id=1, title="red", content="house"), post(id=2, title="", content="red house")]
    with searched(backend, Resource(post, search=["title", "content"]), rows=rows) as found:
        assert sorted(keys(found, "/posts", "red house")) == [1, 2]
        assert keys(found, "/posts", '"red house"') == [2]


def test_the_best_come_first_unless_sorted(backend: Backend) -> None:
    """A column of greater weight, then a text that says it more often; what is equal goes by the key."""
    post = post_table()
    rows = [
        post(id=1, title="b", content="loom " * 2 + "x " * 40),
        post(id=2, title="c", content="loom " * 8 + "x " * 34),
        post(id=3, title="loom a", content="x " * 42),
        post(id=4, title="d", content="loom " * 2 + "x " * 40),
        post(id=5, title="d", content="x " * 42),
    ]
    weighted = Resource(post, search={"title": "A", "content": "D"})
    with searched(backend, weighted, rows=rows) as found:
        assert keys(found, "/posts", "loom") == [3, 2, 1, 4]
        assert keys(found, "/posts?sort=id", "loom") == [1, 2, 3, 4]
        assert keys(found, "/posts?sort=-title", "loom") == [3, 4, 2, 1]
        assert keys(found, "/posts?limit=2&offset=1", "loom") == [2, 1]
        assert keys(found, "/posts?title=d", "loom") == [4]
        assert keys(found, "/posts?id__in=1,3,5", "loom") == [3, 1]
        assert found.client.get("/posts?q=loom&limit=2").headers["link"] == (
            '</posts?q=loom&limit=2>; rel="first", </posts?q=loom&limit=2&offset=2>; rel="next"'
        )


def test_a_language_finds_words_of_one_stem(backend: Backend) -> None:
    """English on both databases, whether the API says so or the resource."""
    post = post_table()
    texts = ["engines", "weaving looms", "the engine weaves", "engineer", "he wove"]
    rows = [post(id=number, content=text) for number, text in enumerate(texts, 1)]
    resource = Resource(post, search=["content"])
    with searched(backend, resource, rows=rows, search_language="english") as found:
        assert sorted(keys(found, "/posts", "engine")) == [1, 3, 4]
        assert sorted(keys(found, "/posts", "weaves")) == [2, 3]
        assert keys(found, "/posts", '"looms weave"') == []
        assert keys(found, "/posts", '"weave loom"') == [2]
    with searched(backend, Resource(post, search=["content"], search_language="english")) as found:
        assert sorted(keys(found, "/posts", "engine")) == [1, 3, 4]
    with searched(backend, resource) as found:
        assert keys(found, "/posts", "engine") == [3]


class Tables:
    """Authors with posts that can be deleted softly, and have comments."""

    def __init__(self) -> None:
        Base = base()

        class Author(Base, table=True):
            id: int | None = Field(default=None, primary_key=True)
            name: str
            posts: list["Post"] = Relationship(back_populates="author")

        class Post(SoftDelete, Base, table=True):
            id: int | None = Field(default=None, primary_key=True)
            title: str
            secret: str = Field(default="hushhush", exclude=True)
            author_id: int = Field(foreign_key="author.id")
            author: Author = Relationship(back_populates="posts")

        self.author, self.post = Author, Post

    def resources(self) -> list[Any]:
        return [Resource(self.author, search=["name"]), Resource(self.post, search=["title"], bulk=True)]

    def rows(self) -> list[Any]:
        return [
            self.author(name="Ada"),
            self.author(name="Alan"),
            self.post(title="on looms", author_id=1),
            self.post(title="on engines", author_id=1),
            self.post(title="on looms", author_id=2),
            self.post(title="on looms and engines", author_id=2),
        ]


def test_searching_goes_with_everything_else(backend: Backend) -> None:
    """Filters through relations, embeds, fields, collections of a row, deleted rows; one statement each."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        found.get("/authors")
        asked: dict[str, Any] = {
            "/posts?q=looms&author.name=Ada&fields=id": [{"id": 1}],
            "/posts?q=looms&sort=-id&fields=id,author.name": [
                {"id": 4, "author": {"name": "Alan"}},
                {"id": 3, "author": {"name": "Alan"}},
                {"id": 1, "author": {"name": "Ada"}},
            ],
            "/posts?q=looms+engines&fields=author.name": [{"author": {"name": "Alan"}}],
            "/posts?q=looms&or=(id=1,title__endswith=engines)&sort=id&fields=id": [{"id": 1}, {"id": 4}],
            "/authors/2/posts?q=looms&sort=id&fields=id": [{"id": 3}, {"id": 4}],
            "/authors/2/posts?q=engines&fields=id": [{"id": 4}],
            "/authors?q=ada&fields=posts.title": [{"posts": [{"title": "on looms"}, {"title": "on engines"}]}],
        }
        for path, expected in asked.items():
            with count_statements(backend, found.api) as statements:
                assert found.get(path) == expected, path
            assert len(statements) == 1, statements
            assert statements[0].count("MATCH") + statements[0].count("@@") == 1, "searched once, ranked or not"
        assert found.client.get("/authors/9/posts?q=looms").status == 404
        assert found.client.request("DELETE", "/posts/3").status == 204
        assert keys(found, "/posts?sort=id", "looms") == [1, 4]


def test_pages_of_what_is_found(backend: Backend) -> None:
    """By cursors where columns sort, which belong to what was searched for; by offset where the best come first."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        first = found.client.get("/posts?q=looms&sort=-id&limit=2&count=exact")
        assert ([row["id"] for row in first.json()], first.headers["x-total-count"]) == ([4, 3], "3")
        further = first.headers["link"].rpartition("<")[2].partition(">")[0]
        assert "after=" in further and [row["id"] for row in found.get(further)] == [1]
        assert found.client.get(further.replace("looms", "engines")).json()["errors"][0]["type"] == "invalid_cursor"
        answer = found.client.get(further.replace("&sort=-id", ""))
        assert (answer.status, answer.json()["errors"][0]["type"]) == (422, "contradiction")
        ranked = found.client.get("/posts?q=looms&limit=2&count=exact")
        assert ranked.headers["x-total-count"] == "3"
        assert ranked.headers["link"].endswith('</posts?q=looms&limit=2&count=exact&offset=2>; rel="next"')


def test_what_is_found_is_exported_and_counted(backend: Backend) -> None:
    """As a stream of all rows, and in groups."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        answer = found.client.get("/posts?q=looms&sort=id&fields=id", accept="application/x-ndjson")
        assert answer.body == b'{"id":1}\n{"id":3}\n{"id":4}\n'
        answer = found.client.get("/posts?q=looms&fields=id", accept="application/x-ndjson")
        assert sorted(answer.body.splitlines()) == [b'{"id":1}', b'{"id":3}', b'{"id":4}']
        groups = found.get("/posts:aggregate?group=author_id&count=*&q=looms&sort=author_id")
        assert groups == [{"author_id": 1, "count": 1}, {"author_id": 2, "count": 2}]


def test_a_shape_is_planned_once(backend: Backend) -> None:
    """Whatever is searched for."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        for q in ("looms", "engines", "-x", '"on looms" or y*', ""):
            keys(found, "/posts", q)
        assert len(found.api.pipeline.prepared) == 1


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/posts/1?q=x", "There are: fields, include."),
        ("/posts/1/author?q=x", "There are: fields, include."),
        ("/authors?include=posts(q=x)", None),
    ],
)
def test_where_nothing_is_searched_it_is_unknown(backend: Backend, path: str, hint: str | None) -> None:
    """On one row, and in the options of an embed."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        answer = found.client.get(path)
        verify_problem(answer)
        assert (answer.status, answer.json()["errors"][0]["type"]) == (422, "unknown_parameter")
        assert answer.json()["errors"][0]["loc"][-1] == "q"
        assert hint is None or answer.json()["hint"] == hint


def test_a_resource_that_is_not_searched_does_not_know_it(backend: Backend) -> None:
    """Neither does what it suggests name it, nor OpenAPI."""
    tables = Tables()
    with searched(backend, tables.author, tables.resources()[1], rows=tables.rows()) as found:
        answer = found.client.get("/authors?q=x")
        assert (answer.status, answer.json()["detail"]) == (422, "'q' is not a parameter of 'authors'.")
        assert " q" not in answer.json()["hint"]
        paths = found.client.get("/openapi.json").json()["paths"]
        names = {path: [each["name"] for each in paths[path]["get"]["parameters"]] for path in ("/authors", "/posts")}
        assert "q" in names["/posts"] and "q" not in names["/authors"]


def test_rows_are_not_changed_by_what_they_say(backend: Backend) -> None:
    """Filters alone choose rows that change together."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        for method, body in (("PATCH", {"title": "x"}), ("DELETE", None)):
            answer = found.client.send(method, "/posts?q=looms&id__gt=0", body)
            assert (answer.status, answer.json()["errors"][0]["loc"]) == (422, ["query", "q"])
        assert found.client.send("POST", "/posts?q=looms", {"title": "x", "author_id": 1}).status == 422


def test_what_is_hidden_is_not_found(backend: Backend) -> None:
    """Only the columns that are named are searched, and only what is shown can be."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        assert keys(found, "/posts", "hushhush") == []
        assert keys(found, "/posts", "Ada") == []


# In step


def test_the_index_is_kept_in_step(backend: Backend) -> None:
    """With whatever writes, generated or not, one row or many."""
    post = post_table()
    resource = Resource(post, search=["title", "content"], bulk=True)
    with searched(backend, resource, rows=[post(title="one")]) as found:
        send, url = found.client.send, "/posts"
        assert send("POST", url, {"title": "two", "content": "zwei"}).status == 201
        assert (keys(found, url, "two"), keys(found, url, "zwei")) == ([2], [2])
        assert send("PATCH", f"{url}/2", {"title": "deux"}).status == 200
        assert (keys(found, url, "two"), keys(found, url, "deux zwei")) == ([], [2])
        assert send("PATCH", f"{url}/2", {"content": None}).status == 200
        assert (keys(found, url, "zwei"), keys(found, url, "deux")) == ([], [2])
        assert send("POST", url, [{"title": "drei"}, {"title": "vier"}]).status == 201
        assert keys(found, f"{url}?sort=id", "drei or vier") == [3, 4]
        assert send("PATCH", f"{url}?id__gte=3", {"content": "beide"}).status == 200
        assert keys(found, f"{url}?sort=id", "beide") == [3, 4]
        assert found.client.request("DELETE", f"{url}/3").status == 204
        assert keys(found, url, "beide") == [4]
        with found.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE post SET id = 40, title = 'quarante' WHERE id = 4")
            connection.exec_driver_sql("INSERT INTO post (id, title) VALUES (50, 'cinquante')")
            connection.exec_driver_sql("DELETE FROM post WHERE id = 1")
        assert [keys(found, url, word) for word in ("quarante", "cinquante", "one", "vier")] == [[40], [50], [], []]
        with pytest.raises(RuntimeError), found.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE post SET title = 'undone' WHERE id = 40")
            raise RuntimeError
        assert (keys(found, url, "undone"), keys(found, url, "quarante")) == ([], [40])


def test_rows_in_bulk_are_found(backend: Backend) -> None:
    """`api.bulk_insert` names its columns, of which the index is none."""
    post = post_table()
    with searched(backend, Resource(post, search=["title"])) as found:

        async def load() -> int:
            return await found.api.bulk_insert(post, ({"title": f"row n{number}"} for number in range(1000)))

        assert found.client.runner.run(load()) == 1000
        assert len(keys(found, "/posts?limit=1000", "row")) == 1000
        assert keys(found, "/posts", "n999") == [1000]


def test_any_key_will_do(backend: Backend) -> None:
    """Of text, of several columns, and called as SQLite calls its own."""
    Base = base()

    class Country(Base, table=True):
        id: str = Field(primary_key=True)
        name: str

    class Shelf(Base, table=True):
        room: str = Field(primary_key=True)
        label: str = Field(primary_key=True)
        rowid: str = "x"
        note: str = Field(sa_column=sa.Column("no\"te's", sa.String, nullable=False))

    rows = [
        *(Country(id=name[:2], name=f"{name} land") for name in ("Germany", "France", "Chile")),
        *(Shelf(room=room, label="l", note=f"in room {room}") for room in "abc"),
    ]
    resources = [Resource(Country, search=["name"]), Resource(Shelf, search=["note"])]
    with searched(backend, *resources, rows=rows) as found:
        with found.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM country WHERE id = 'Fr'")
        with found.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
        assert keys(found, "/countries?sort=id", "land") == ["Ch", "Ge"]
        assert keys(found, "/countries", "germany") == ["Ge"]
        assert [row["room"] for row in found.get("/shelves?q=room+b")] == ["b"]


def test_a_row_answers_without_its_index(backend: Backend) -> None:
    """Neither what is read nor what a write answers shows it, and it cannot be named."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:
        made = found.client.send("POST", "/posts", {"title": "x", "author_id": 1})
        for row in (made.json(), found.get("/posts/1"), found.get("/posts?q=looms")[0]):
            assert set(row) == {"id", "title", "author_id"}
        for query in ("fields=onetrip_search", "onetrip_search=x", "sort=onetrip_search"):
            assert found.client.get(f"/posts?{query}").status == 422


# Limits, faults


def test_long_texts_can_be_written_and_are_found_by_their_beginning(backend: Backend) -> None:
    """PostgreSQL keeps a megabyte of words of a row: what is beyond is not searched, and no write fails of it."""
    post = post_table()
    short = " ".join(chr(0x4E00 + number // 2000) + chr(0x5000 + number % 2000) for number in range(100_000))
    with searched(backend, Resource(post, search=["title", "content"]), limits=Limits(body=4_000_000)) as found:
        for text in (
            short,
            "w" * 900_000,
            "a " * 400_000,
            " ".join(f"{number:x}" for number in range(120_000)),
        ):
            made = found.client.send("POST", "/posts", {"title": "begin", "content": f"first {text} last"})
            assert made.status == 201, made.body[:300]
        assert keys(found, "/posts?sort=id", "begin") == [1, 2, 3, 4]
        assert keys(found, "/posts?sort=id", "first") == [1, 2, 3, 4]
        assert keys(found, "/posts", "last") == []


@pytest.mark.parametrize(
    ("q", "says"),
    [
        (" ".join(["word"] * 33), "'q' has 33 words; at most 32 are searched for."),
        ('"' + "a-" * 33 + '"', "'q' has 33 words; at most 32 are searched for."),
        ("a* b* c* d* e*", "'q' has more than 4 beginnings of words."),
        ("w" * 201, "'q' has a word of more than 200 characters."),
    ],
)
def test_a_search_is_bounded(backend: Backend, q: str, says: str) -> None:
    """By a 422 that names the limit."""
    with searched(backend, Resource(post_table(), search=["title"])) as found:
        answer = found.client.get("/posts?q=" + q.replace(" ", "+").replace('"', "%22"))
        verify_problem(answer)
        assert (answer.status, answer.json()["detail"]) == (422, says)


@pytest.mark.parametrize("part", ["a", "-a", '"a b"', "a*", "a or", "-a or"])
def test_the_longest_searches_are_answered(backend: Backend, part: str) -> None:
    """As many words as are taken, in every form."""
    with searched(backend, Resource(post_table(), search=["title"])) as found:
        count = 16 if " b" in part else 4 if "*" in part else 32
        for q in (" ".join([part] * count), " ".join(part.replace("a", f"a{number}") for number in range(count))):
            assert keys(found, "/posts", q[: q.rindex(" or")] if q.endswith(" or") else q) == []


def test_without_an_index_it_is_said(backend: Backend) -> None:
    """A 503 for those who search, and everything else as ever."""
    post = post_table()
    with searched(backend, Resource(post, search=["title"]), rows=[post(title="one")]) as found:
        index = found.api.database.dialect.full_text.index(found.api.schema.resources["posts"].search)
        drops = [line for line in index.create if line.startswith("DROP") or " DROP " in line]
        with found.engine.begin() as connection:
            for line in drops:
                connection.exec_driver_sql(line)
        for path in ("/posts?q=one", "/posts?q=one&sort=id"):
            answer = found.client.get(path)
            verify_problem_of_503(answer)
        assert [row["id"] for row in found.get("/posts")] == [1]
        assert install(found) == ([index.name], [])
        assert keys(found, "/posts", "one") == [1]
        assert install(found) == ([], [index.name])


def verify_problem_of_503(answer: Any) -> None:
    assert (answer.status, answer.json()["detail"]) == (503, "What is searched here has no index at the moment.")


_PIECES = st.sampled_from([
    '"', "-", "*", " or ", " OR ", " ", "(", ")", "'", "''", "\\", ":", "&", "|", "!", "<->", ":*", "^", "{", "}",
    "NOT", "NEAR", "AND", "c0", "every", "\ue000", "%", "$1", "?", "loom", "engines", "é", "ß", "İ", "Σς", "東", "🚀",
    "\u200d", "\ufeff", "1e5", "--", "/*", ";", "a" * 99, "\x01", "\x1e", "\x7f", "\U0010ffff", "\u0301", "ﬁ", "Ǆ", "²",
])  # fmt: skip


def test_any_text_can_be_searched_for(backend: Backend) -> None:
    """It finds something or nothing, and never fails."""
    tables = Tables()
    with searched(backend, *tables.resources(), rows=tables.rows()) as found:

        @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.one_of(st.lists(_PIECES, max_size=40).map("".join), st.text(max_size=300)))
        def ask(text: str) -> None:
            hold(found, text)

        ask()
        for text in ("a" * 15_000, '"' * 4_000, "-" * 15_000, "(" * 4_000, "or " * 4_000, "🚀" * 1_200, "* " * 7_000):
            hold(found, text)


def hold(found: Served, text: str) -> None:
    query = quote_from_bytes(text.encode("utf-8", "replace"), safe="")
    answer = found.client.get(f"/posts?q={query}")
    assert answer.status in (200, 414, 422), answer.body
    if answer.status == 422:
        assert answer.json()["errors"][0]["type"] in ("value_error", "nul", "too_long")
