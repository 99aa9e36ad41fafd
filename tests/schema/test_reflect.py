import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from onetrip.schema.reflect import Reflected, reflect
from tests.schema.serving import load_chinook
from tests.support.databases import Server, postgresql_backend
from tests.support.shared import CHINOOK, needs_chinook


@pytest.fixture(scope="module")
def postgresql(server: Server) -> Iterator[sa.URL]:
    """A database of this module on the run's PostgreSQL server."""
    name = f"reflect_{uuid4().hex}"
    server.sql(f"CREATE DATABASE {name}")
    yield sa.make_url(server.url(name)).set(drivername="postgresql+psycopg")
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def connection(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """An empty database of either kind; what the test makes in it is rolled back."""
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def made(connection: sa.Connection, *statements: str) -> Reflected:
    for statement in statements:
        connection.exec_driver_sql(statement)
    return reflect(connection)


def classes(reflected: Reflected) -> dict[str, Any]:
    return {sa.inspect(cls).local_table.name: cls for cls in reflected.classes}


def relations(reflected: Reflected) -> dict[str, str]:
    """Every relation as `table.relation: target table`, in brackets if it is to many, with the way back."""
    found = {}
    for cls in reflected.classes:
        for relation in sa.inspect(cls).relationships:
            target = relation.mapper.local_table.name
            shown = f"[{target}]" if relation.uselist else target
            back = f" < {relation.back_populates}" if relation.back_populates else ""
            found[f"{relation.parent.local_table.name}.{relation.key}"] = shown + back
    return found


USERS = "CREATE TABLE users (id INTEGER PRIMARY KEY)"
POSTS = "CREATE TABLE posts (id INTEGER PRIMARY KEY)"


def test_columns(connection: sa.Connection) -> None:
    """Attributes are called as the columns, whatever these are called, and know what the database knows of them."""
    reflected = made(
        connection,
        """CREATE TABLE "Order Details" (
            "Order ID" INTEGER, "line-no" INTEGER, "class" VARCHAR(20) NOT NULL, "def" INTEGER DEFAULT 7,
            metadata TEXT, "registry" TEXT, twice INTEGER GENERATED ALWAYS AS ("def" * 2) STORED,
            PRIMARY KEY ("line-no", "Order ID"), CONSTRAINT one_class UNIQUE ("class", "def")
        )""",
    )
    (cls,) = reflected.classes
    mapper = sa.inspect(cls)
    assert cls.__name__ == "OrderDetail"
    assert mapper.column_attrs.keys() == ["Order ID", "line-no", "class", "def", "metadata", "registry", "twice"]
    assert [column.name for column in mapper.primary_key] == ["line-no", "Order ID"]
    table = mapper.local_table
    assert [name for name, column in table.c.items() if not column.nullable] == ["Order ID", "line-no", "class"]
    assert isinstance(table.c["class"].type, sa.String)
    assert table.c["class"].type.length == 20
    assert str(table.c["def"].server_default.arg) == "7"
    assert table.c["twice"].computed is not None
    row = cls(**{"Order ID": 1, "line-no": 2, "class": "x"})
    with Session(connection) as session:
        session.add(row)
        session.flush()
        session.expire_all()
        assert session.get(cls, (2, 1)) is row
        assert (row.metadata, getattr(row, "def"), row.twice) == (None, 7, 14)


def test_class_names(connection: sa.Connection) -> None:
    """Every class has a name of its own that Python accepts; none has a `__tablename__`, for nobody chose one."""
    names = ['"None"', '"2fa"', '"user_roles"', '"UserRoles"', '"class"', '"!"']
    reflected = made(connection, *(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)" for name in names))
    assert {table: cls.__name__ for table, cls in classes(reflected).items()} == {
        "!": "Table",
        "2fa": "Table2fa",
        "None": "None_",
        "UserRoles": "UserRole",
        "class": "Class",
        "user_roles": "UserRole2",
    }
    assert not any(hasattr(cls, "__tablename__") for cls in reflected.classes)


def test_two_databases_share_nothing(connection: sa.Connection) -> None:
    """Each call maps on a registry of its own, so a database can be reflected twice."""
    first, second = made(connection, USERS), reflect(connection)
    assert classes(first)["users"] is not classes(second)["users"]


def test_to_one_and_back(connection: sa.Connection) -> None:
    """A foreign key gives a relation each way, also to its own table, to one that refers back, to a unique column."""
    reflected = made(
        connection,
        'CREATE TABLE "Employee" ("EmployeeId" INTEGER PRIMARY KEY, "Badge" INTEGER UNIQUE,'
        ' "ReportsTo" INTEGER REFERENCES "Employee" ("EmployeeId"))',
        'CREATE TABLE "InvoiceLine" (id INTEGER PRIMARY KEY, "SoldById" INTEGER REFERENCES "Employee" ("Badge"))',
        'ALTER TABLE "Employee" ADD COLUMN best_line_id INTEGER REFERENCES "InvoiceLine" (id)',
    )
    assert relations(reflected) == {
        "Employee.ReportsToEmployee": "Employee < Employees",
        "Employee.Employees": "[Employee] < ReportsToEmployee",
        "Employee.best_line": "InvoiceLine < Employees",
        "Employee.InvoiceLines": "[InvoiceLine] < SoldBy",
        "InvoiceLine.SoldBy": "Employee < InvoiceLines",
        "InvoiceLine.Employees": "[Employee] < best_line",
    }


def test_one_to_one(connection: sa.Connection) -> None:
    """A child that is unique by the foreign key is one, not many; a unique index over some rows is no such promise."""
    reflected = made(
        connection,
        USERS,
        "CREATE TABLE profiles (user_id INTEGER PRIMARY KEY REFERENCES users (id))",
        "CREATE TABLE passports (id INTEGER PRIMARY KEY, user_id VARCHAR(9) UNIQUE, owner_id INTEGER UNIQUE,"
        " FOREIGN KEY (owner_id) REFERENCES users (id))",
        "CREATE TABLE desks (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), floor INTEGER)",
        "CREATE UNIQUE INDEX one_desk ON desks (user_id)",
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), done INTEGER)",
        "CREATE UNIQUE INDEX one_open_job ON jobs (user_id) WHERE done = 0",
        "CREATE UNIQUE INDEX one_of_a_kind ON jobs ((user_id + 1))",
        "CREATE UNIQUE INDEX one_each ON jobs (user_id, done)",
    )
    shown = relations(reflected)
    assert {name: shown[name] for name in shown if name.startswith("users.")} == {
        "users.desk": "desks < user",
        "users.jobs": "[jobs] < user",
        "users.passport": "passports < owner",
        "users.profile": "profiles < user",
    }


def test_several_foreign_keys_to_one_table(connection: sa.Connection) -> None:
    """Each way back says by which key, for one child and for many; the ways there need no more than their columns."""
    reflected = made(
        connection,
        USERS,
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES users (id),"
        " editor_id INTEGER REFERENCES users (id), pinned_by INTEGER UNIQUE REFERENCES users (id))",
    )
    assert relations(reflected) == {
        "posts.author": "users < posts_by_author",
        "posts.editor": "users < posts_by_editor",
        "posts.pinned_by_user": "users < post_by_pinned_by",
        "users.posts_by_author": "[posts] < author",
        "users.posts_by_editor": "[posts] < editor",
        "users.post_by_pinned_by": "posts < pinned_by_user",
    }


def test_collisions(connection: sa.Connection) -> None:
    """A relation gives way to a column, and to relations named before it, in a fixed order."""
    reflected = made(
        connection,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, posts INTEGER, notes TEXT, notes_by_user TEXT)",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author TEXT, author_id INTEGER REFERENCES users (id))",
        'CREATE TABLE notes (id INTEGER PRIMARY KEY, "user" TEXT, user_id INTEGER REFERENCES users (id))',
        "CREATE TABLE things (id INTEGER PRIMARY KEY, owner_id INTEGER,"
        " FOREIGN KEY (owner_id) REFERENCES posts (id), FOREIGN KEY (owner_id) REFERENCES users (id))",
    )
    assert relations(reflected) == {
        "posts.author_user": "users < posts_by_author",
        "users.posts_by_author": "[posts] < author_user",
        "notes.user_2": "users < notes_by_user_2",
        "users.notes_by_user_2": "[notes] < user_2",
        "things.owner": "posts < things",
        "things.owner_user": "users < things",
        "posts.things": "[things] < owner",
        "users.things": "[things] < owner_user",
    }


def test_composite_foreign_keys(connection: sa.Connection) -> None:
    """Several columns are called as the table they refer to; of two such keys each by the columns that it has alone."""
    reflected = made(
        connection,
        "CREATE TABLE users (tenant_id INTEGER, id INTEGER, boss_id INTEGER, PRIMARY KEY (tenant_id, id),"
        " FOREIGN KEY (tenant_id, boss_id) REFERENCES users (tenant_id, id))",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant_id INTEGER, author_id INTEGER, editor_id INTEGER,"
        " FOREIGN KEY (tenant_id, author_id) REFERENCES users (tenant_id, id),"
        " FOREIGN KEY (tenant_id, editor_id) REFERENCES users (tenant_id, id))",
        "CREATE TABLE moves (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER, d INTEGER,"
        " FOREIGN KEY (a, b) REFERENCES users (tenant_id, id), FOREIGN KEY (c, d) REFERENCES users (tenant_id, id))",
    )
    assert relations(reflected) == {
        "users.user": "users < users",
        "users.users": "[users] < user",
        "posts.author": "users < posts_by_author",
        "posts.editor": "users < posts_by_editor",
        "users.posts_by_author": "[posts] < author",
        "users.posts_by_editor": "[posts] < editor",
        "moves.user": "users < moves_by_user",
        "moves.user_by_c_d": "users < moves_by_user_2",
        "users.moves_by_user": "[moves] < user",
        "users.moves_by_user_2": "[moves] < user_by_c_d",
    }
    user, post = classes(reflected)["users"], classes(reflected)["posts"]
    with Session(connection) as session:
        ada, bob, eve = user(tenant_id=1, id=1), user(tenant_id=1, id=2, boss_id=1), user(tenant_id=2, id=1)
        session.add_all([ada, bob, eve, post(id=1, tenant_id=1, author_id=2, editor_id=1)])
        session.flush()
        session.expire_all()
        assert (bob.user, ada.users, eve.users) == (ada, [bob], [])
        (written,) = bob.posts_by_author
        assert (written.author, written.editor, bob.posts_by_editor) == (bob, ada, [])


def test_pure_link_table(connection: sa.Connection) -> None:
    """A table of nothing but two foreign keys joins their tables many-to-many, and is mapped as a table as well."""
    reflected = made(
        connection,
        'CREATE TABLE "Track" ("TrackId" INTEGER PRIMARY KEY)',
        'CREATE TABLE "Playlist" ("PlaylistId" INTEGER PRIMARY KEY)',
        'CREATE TABLE "PlaylistTrack" ("PlaylistId" INTEGER REFERENCES "Playlist" ("PlaylistId"),'
        ' "TrackId" INTEGER REFERENCES "Track" ("TrackId"), PRIMARY KEY ("PlaylistId", "TrackId"))',
    )
    assert relations(reflected) == {
        "Playlist.Tracks": "[Track] < Playlists",
        "Track.Playlists": "[Playlist] < Tracks",
        "PlaylistTrack.Playlist": "Playlist",
        "PlaylistTrack.Track": "Track",
    }


@pytest.mark.parametrize(
    "rest",
    [
        "id INTEGER PRIMARY KEY, UNIQUE (user_id, post_id)",
        "at TIMESTAMP, PRIMARY KEY (user_id, post_id)",
        "day INTEGER, PRIMARY KEY (user_id, post_id, day)",
        "page_id INTEGER REFERENCES pages (id), PRIMARY KEY (user_id, post_id, page_id)",
        "PRIMARY KEY (post_id)",
    ],
)
def test_link_table_that_says_more(connection: sa.Connection, rest: str) -> None:
    """A table with another column or another key is reached as a table, and no relation jumps over it."""
    reflected = made(
        connection,
        USERS,
        POSTS,
        "CREATE TABLE pages (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE likes (user_id INTEGER, post_id INTEGER, {rest},"
        " FOREIGN KEY (user_id) REFERENCES users (id), FOREIGN KEY (post_id) REFERENCES posts (id))",
    )
    shown = relations(reflected)
    assert shown["users.likes"] == "[likes] < user"
    assert shown["likes.user"] == "users < likes"
    assert not {"users.posts", "posts.users"} & shown.keys()


def test_key_within_the_other_key(connection: sa.Connection) -> None:
    """A table whose one foreign key holds the other belongs to one row, so it links nothing."""
    reflected = made(
        connection,
        "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
        "CREATE TABLE lines (order_id INTEGER REFERENCES orders (id), no INTEGER, PRIMARY KEY (order_id, no))",
        "CREATE TABLE gifts (order_id INTEGER REFERENCES orders (id), no INTEGER, PRIMARY KEY (order_id, no),"
        " FOREIGN KEY (order_id, no) REFERENCES lines (order_id, no))",
    )
    assert relations(reflected) == {
        "lines.order": "orders < lines",
        "orders.lines": "[lines] < order",
        "gifts.order": "orders < gifts",
        "orders.gifts": "[gifts] < order",
        "gifts.line": "lines < gift",
        "lines.gift": "gifts < line",
    }


def test_link_table_within_one_table(connection: sa.Connection) -> None:
    """Both directions are called as the far foreign key, and lead where they say."""
    reflected = made(
        connection,
        USERS,
        "CREATE TABLE follows (follower_id INTEGER REFERENCES users (id), friend_id INTEGER REFERENCES users (id),"
        " PRIMARY KEY (follower_id, friend_id))",
    )
    assert relations(reflected) == {
        "users.friends": "[users] < followers",
        "users.followers": "[users] < friends",
        "follows.follower": "users",
        "follows.friend": "users",
    }
    user, follow = classes(reflected)["users"], classes(reflected)["follows"]
    with Session(connection) as session:
        fan, star = user(id=1), user(id=2)
        session.add_all([fan, star])
        session.flush()
        session.add(follow(follower_id=1, friend_id=2))
        session.flush()
        session.expire_all()
        assert (fan.friends, fan.followers, star.friends, star.followers) == ([star], [], [], [fan])


def test_several_ways_between_two_tables(connection: sa.Connection) -> None:
    """Several link tables say which one they are, and so does a single one beside a foreign key."""
    link = (
        "(user_id INTEGER REFERENCES users (id), post_id INTEGER REFERENCES posts (id), PRIMARY KEY (user_id, post_id))"
    )
    posts = "CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES users (id))"
    one = relations(made(connection, USERS, posts, f"CREATE TABLE likes {link}"))
    assert one["users.posts"] == "[posts] < author"
    assert one["users.posts_by_like"] == "[posts] < users"
    two = relations(made(connection, f"CREATE TABLE bookmarks {link}"))
    assert two["users.posts"] == "[posts] < author"
    assert two["users.posts_by_like"] == "[posts] < users_by_like"
    assert two["users.posts_by_bookmark"] == "[posts] < users_by_bookmark"


def test_tables_that_are_not_served(connection: sa.Connection) -> None:
    """A table without a key, a view, and a name that Python keeps for itself are refused; tools' tables left out."""
    reflected = made(
        connection,
        USERS,
        "CREATE TABLE log (line TEXT, user_id INTEGER REFERENCES users (id))",
        "CREATE VIEW admins AS SELECT * FROM users",
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, __class__ TEXT)",
        "CREATE TABLE odder (id INTEGER PRIMARY KEY, _sa_instance_state TEXT)",
        "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
        "CREATE TABLE onetrip_history (id INTEGER PRIMARY KEY)",
        "CREATE VIEW onetrip_recent AS SELECT * FROM onetrip_history",
    )
    assert list(classes(reflected)) == ["users"]
    reasons = {refusal.table: refusal.reason for refusal in reflected.refused}
    assert list(reasons) == ["admins", "log", "odd", "odder"]
    assert reasons["admins"].startswith("It is a view, which has no primary key. To serve it, write a class")
    assert reasons["log"].startswith("It has no primary key, so its rows have no address. Add one to the table, or")
    assert reasons["odd"] == (
        "Its column '__class__' has a name that Python or SQLAlchemy keeps for itself. Rename the column."
    )
    assert relations(reflected) == {}
    assert reflected.unrelated == ()


def test_foreign_key_to_a_table_that_is_not_served(connection: sa.Connection) -> None:
    """Such a key leaves a plain column behind, and a word about it."""
    reflected = made(
        connection,
        "CREATE TABLE keyless (code INTEGER UNIQUE)",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, code INTEGER REFERENCES keyless (code))",
    )
    assert relations(reflected) == {}
    assert not classes(reflected)["posts"].__table__.foreign_keys
    (refusal,) = reflected.unrelated
    assert refusal.table == "posts"
    assert refusal.reason == "Its foreign key (code) makes no relation: keyless (code) is not served."


def test_progress(connection: sa.Connection) -> None:
    """Whoever waits is told how far it is, in both stages, to the end."""
    for number in range(60):
        connection.exec_driver_sql(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY)")
    told: list[tuple[str, int, int]] = []
    reflect(connection, progress=lambda *step: told.append(step))
    assert told == [("reading", 50, 60), ("reading", 60, 60), *(("mapping", done, 60) for done in range(1, 61))]


def test_empty_database(connection: sa.Connection) -> None:
    """No tables, no classes."""
    assert reflect(connection) == Reflected((), (), ())


# SQLite alone


@pytest.fixture
def sqlite() -> Iterator[sa.Connection]:
    """An empty SQLite database."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_sqlite_foreign_keys(sqlite: sa.Connection) -> None:
    """SQLite lets a foreign key leave out the column, write names in any case, and refer to what is not there."""
    reflected = made(
        sqlite,
        "CREATE TABLE Parent (Id INTEGER PRIMARY KEY)",
        "CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (b, a))",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, one_id INTEGER REFERENCES parent, "
        "two_id REFERENCES PARENT (ID), x INTEGER, y INTEGER, gone_id INTEGER REFERENCES gone, "
        "nowhere_id INTEGER REFERENCES Parent (absent), half_id INTEGER REFERENCES pairs, "
        "FOREIGN KEY (x, y) REFERENCES pairs)",
    )
    shown = relations(reflected)
    assert {name: shown[name] for name in shown if name.startswith("child.")} == {
        "child.one": "Parent < children_by_one",
        "child.two": "Parent < children_by_two",
        "child.pair": "pairs < children",
    }
    join = sa.inspect(classes(reflected)["child"]).relationships["pair"].local_remote_pairs
    assert [(local.name, there.name) for local, there in join] == [("x", "b"), ("y", "a")]
    assert [refusal.reason for refusal in reflected.unrelated] == [
        "Its foreign key (gone_id) makes no relation: gone is not served.",
        "Its foreign key (half_id) makes no relation: pairs (b, a) is not served.",
        "Its foreign key (nowhere_id) makes no relation: Parent (absent) is not served.",
    ]


def test_sqlite_types(sqlite: sa.Connection) -> None:
    """Types that SQLAlchemy does not know, or that are left out, are no reason to fail or to warn."""
    reflected = made(sqlite, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b GEOMETRY, c FOO(1, 2), d UNIQUE)")
    table = classes(reflected)["t"].__table__
    assert isinstance(table.c.a.type, sa.types.NullType)
    assert table.c.keys() == ["id", "a", "b", "c", "d"]


def test_sqlite_virtual_tables(sqlite: sa.Connection) -> None:
    """A virtual table is refused, and the tables in which it keeps its rows are not mentioned."""
    reflected = made(sqlite, USERS, "CREATE VIRTUAL TABLE places USING rtree(id, low, high)")
    assert list(classes(reflected)) == ["users"]
    (refusal,) = reflected.refused
    assert refusal.table == "places"
    assert refusal.reason.startswith("It is a virtual table, which has no primary key.")


def test_sqlite_autoincrement(sqlite: sa.Connection) -> None:
    """The table in which SQLite counts is not a table of the user's, nor are its statistics."""
    reflected = made(sqlite, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)", "ANALYZE")
    assert list(classes(reflected)) == ["t"]


# PostgreSQL alone


@pytest.fixture
def postgres(postgresql: sa.URL) -> Iterator[sa.Connection]:
    """An empty PostgreSQL database; what the test makes in it is rolled back."""
    engine = sa.create_engine(postgresql)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def test_postgresql_schemas(postgres: sa.Connection) -> None:
    """What the search path shows is served; a foreign key that leads elsewhere makes no relation."""
    reflected = made(
        postgres,
        "CREATE SCHEMA hidden",
        "CREATE SCHEMA shown",
        "CREATE TABLE hidden.users (id INTEGER PRIMARY KEY)",
        "CREATE TABLE shown.users (id INTEGER PRIMARY KEY)",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES shown.users (id),"
        " owner_id INTEGER REFERENCES hidden.users (id))",
        "SET LOCAL search_path TO public, shown",
    )
    assert relations(reflected) == {"posts.author": "users < posts", "users.posts": "[posts] < author"}
    assert [refusal.reason for refusal in reflected.unrelated] == [
        "Its foreign key (owner_id) makes no relation: hidden.users (id) is not served."
    ]


def test_postgresql_partitions(postgres: sa.Connection) -> None:
    """A partitioned table is one table: its partitions are neither served nor mentioned, nor are keys to them."""
    reflected = made(
        postgres,
        "CREATE TABLE days (id INTEGER PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (10) TO (20)",
        "CREATE TABLE events (id INTEGER PRIMARY KEY, day_id INTEGER REFERENCES days (id))",
    )
    assert relations(reflected) == {"days.events": "[events] < day", "events.day": "days < events"}
    assert reflected.refused == reflected.unrelated == ()


def test_postgresql_kinds_of_tables(postgres: sa.Connection) -> None:
    """Materialized views and foreign tables have no key, so they are refused."""
    reflected = made(
        postgres,
        USERS,
        "CREATE MATERIALIZED VIEW counts AS SELECT count(*) FROM users",
        "CREATE FOREIGN DATA WRAPPER nothing",
        "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing",
        "CREATE FOREIGN TABLE far (id INTEGER) SERVER nowhere",
    )
    assert list(classes(reflected)) == ["users"]
    assert [(refusal.table, refusal.reason.split(",")[0]) for refusal in reflected.refused] == [
        ("counts", "It is a view"),
        ("far", "It is a foreign table"),
    ]


def test_postgresql_columns(postgres: sa.Connection) -> None:
    """Identity, serial, enum, domain, array and types that SQLAlchemy does not know are read without a warning."""
    reflected = made(
        postgres,
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE DOMAIN short AS VARCHAR(5) NOT NULL",
        "CREATE TABLE t (id INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n SERIAL, m mood, s short,"
        " tags TEXT[], spot POINT, doc XML, label TEXT DEFAULT 'a :b')",
        "COMMENT ON COLUMN t.m IS 'how it goes'",
        "CREATE UNIQUE INDEX lower_label ON t (lower(label))",
    )
    table = classes(reflected)["t"].__table__
    assert table.c.id.identity is not None
    assert "nextval" in str(table.c.n.server_default.arg)
    assert table.c.m.type.enums == ["sad", "ok"]
    assert table.c.m.comment == "how it goes"
    assert isinstance(table.c.spot.type, sa.types.NullType)
    assert table.c.keys() == ["id", "n", "m", "s", "tags", "spot", "doc", "label"]


def test_async_connection(postgresql: sa.URL) -> None:
    """An asynchronous connection reflects by `run_sync`."""

    async def reflected() -> Reflected:
        engine = create_async_engine(postgresql.set(drivername="postgresql+asyncpg"))
        async with engine.connect() as connection:
            await connection.exec_driver_sql(USERS)
            found = await connection.run_sync(reflect)
            await connection.rollback()
        await engine.dispose()
        return found

    assert list(classes(asyncio.run(reflected()))) == ["users"]


# Chinook

CHINOOK_RELATIONS = {
    "Album": {"Artist": "Artist", "Tracks": "[Track]"},
    "Artist": {"Albums": "[Album]"},
    "Customer": {"SupportRep": "Employee", "Invoices": "[Invoice]"},
    "Employee": {"ReportsToEmployee": "Employee", "Customers": "[Customer]", "Employees": "[Employee]"},
    "Genre": {"Tracks": "[Track]"},
    "Invoice": {"Customer": "Customer", "InvoiceLines": "[InvoiceLine]"},
    "InvoiceLine": {"Invoice": "Invoice", "Track": "Track"},
    "MediaType": {"Tracks": "[Track]"},
    "Playlist": {"Tracks": "[Track]"},
    "PlaylistTrack": {"Playlist": "Playlist", "Track": "Track"},
    "Track": {
        "Album": "Album",
        "MediaType": "MediaType",
        "Genre": "Genre",
        "InvoiceLines": "[InvoiceLine]",
        "Playlists": "[Playlist]",
    },
}
"""The relations of Chinook, to one and [to many], in the names of the SQLite edition."""


def snake(name: str) -> str:
    """Write a name of the SQLite edition as the PostgreSQL edition does: `[InvoiceLine]` → `[invoice_line]`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def by_table(reflected: Reflected) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {table: {} for table in classes(reflected)}
    for name, target in relations(reflected).items():
        table, relation = name.split(".")
        found[table][relation] = target.split(" < ")[0]
    return found


@pytest.fixture(scope="module")
def chinook_sqlite() -> Iterator[sa.Engine]:
    """Chinook as it is delivered for SQLite, read-only."""
    engine = sa.create_engine(f"sqlite:///file:{CHINOOK / 'chinook.sqlite'}?mode=ro&immutable=1&uri=true")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def chinook_postgresql(server: Server) -> Iterator[sa.Engine]:
    """Chinook as it is delivered for PostgreSQL, in a database of its own."""
    with postgresql_backend(server) as backend:
        load_chinook(backend)
        yield backend.engine()


@needs_chinook
def test_chinook_sqlite(chinook_sqlite: sa.Engine) -> None:
    """All 11 tables are mapped, in the style that the SQLite edition has."""
    with chinook_sqlite.connect() as connection:
        reflected = reflect(connection)
    assert by_table(reflected) == CHINOOK_RELATIONS
    assert len(reflected.classes) == 11
    assert reflected.refused == reflected.unrelated == ()


@needs_chinook
def test_chinook_postgresql(chinook_postgresql: sa.Engine) -> None:
    """All 11 tables are mapped, with the same relations in the style that the PostgreSQL edition has."""
    with chinook_postgresql.connect() as connection:
        reflected = reflect(connection)
    assert by_table(reflected) == {
        snake(table): {snake(name): snake(target) for name, target in found.items()}
        for table, found in CHINOOK_RELATIONS.items()
    }
    assert len(reflected.classes) == 11
    assert reflected.refused == reflected.unrelated == ()


@needs_chinook
@pytest.mark.parametrize("edition", ["chinook_sqlite", "chinook_postgresql"])
def test_chinook_rows(edition: str, request: pytest.FixtureRequest) -> None:
    """The relations lead to the right rows."""
    with request.getfixturevalue(edition).connect() as connection, Session(connection) as session:
        found = {cls.__name__: cls for cls in reflect(connection).classes}
        style = str if edition == "chinook_sqlite" else snake

        def follow(row: Any, *names: str) -> Any:
            for name in names:
                row = getattr(row, style(name))
            return row

        track = session.get(found["Track"], 1)
        assert follow(track, "Album", "Artist", "Name") == "AC/DC"
        assert {follow(playlist, "PlaylistId") for playlist in follow(track, "Playlists")} == {1, 8, 17}
        employee = session.get(found["Employee"], 2)
        assert follow(employee, "ReportsToEmployee", "LastName") == "Adams"
        assert sorted(follow(below, "LastName") for below in follow(employee, "Employees")) == [
            "Johnson",
            "Park",
            "Peacock",
        ]


@needs_chinook
def test_the_documented_table() -> None:
    """The documentation shows the relations of Chinook as they are."""
    page = (Path(__file__).parents[2] / "docs" / "reflected-databases.md").read_text()
    for table, found in CHINOOK_RELATIONS.items():
        to_one = ", ".join(f"`{name}`" for name, target in found.items() if not target.startswith("["))
        to_many = ", ".join(f"`{name}`" for name, target in found.items() if target.startswith("["))
        assert f"| `{table}` | {to_one} | {to_many} |".replace("|  |", "| |") in page
