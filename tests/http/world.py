"""Tables and rows for the specs: beside the blog, every kind of key, relation, type and awkward name."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Optional
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, Resource, SoftDelete, Timestamped, UUIDKey, Versioned
from tests.support import blog


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class Country(Base, table=True):
    """A string key, which may hold anything."""

    code: str = Field(primary_key=True)
    name: str
    cities: list["City"] = Relationship(back_populates="country")


class City(Base, table=True):
    id: int = Field(primary_key=True)
    name: str
    country_code: str = Field(foreign_key="country.code")
    country: Country = Relationship(back_populates="cities")


class PlaylistTrack(Base, table=True):
    """A composite key, and a link row with columns of its own."""

    __tablename__ = "playlist_track"
    playlist_id: int = Field(foreign_key="playlist.id", primary_key=True)
    track_id: int = Field(foreign_key="track.id", primary_key=True)
    position: int = 0
    added_at: datetime | None = None
    private_note: str | None = Field(default=None, exclude=True)


class Playlist(Base, table=True):
    id: int = Field(primary_key=True)
    name: str
    tracks: list["Track"] = Relationship(back_populates="playlists", link_model=PlaylistTrack)


class Track(Base, table=True):
    id: int = Field(primary_key=True)
    title: str
    playlists: list[Playlist] = Relationship(back_populates="tracks", link_model=PlaylistTrack)


class Shelf(Base, table=True):
    """A composite key of text, whose values hold the characters that separate them."""

    room: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    books: list["Book"] = Relationship(back_populates="shelf")


class Book(Base, table=True):
    __table_args__ = (sa.ForeignKeyConstraint(["room", "label"], ["shelf.room", "shelf.label"]),)
    id: int = Field(primary_key=True)
    title: str
    room: str | None = None
    label: str | None = None
    shelf: Optional[Shelf] = Relationship(back_populates="books")  # noqa: UP045


class Employee(Base, table=True):
    """A self-reference, and a one-to-one relation."""

    id: int = Field(primary_key=True)
    name: str
    boss_id: int | None = Field(default=None, foreign_key="employee.id")
    boss: Optional["Employee"] = Relationship(
        back_populates="reports", sa_relationship_kwargs={"remote_side": "Employee.id"}
    )
    reports: list["Employee"] = Relationship(back_populates="boss")
    badge: Optional["Badge"] = Relationship(back_populates="employee", sa_relationship_kwargs={"uselist": False})


class Badge(Base, table=True):
    id: int = Field(primary_key=True)
    number: str
    employee_id: int = Field(foreign_key="employee.id", unique=True)
    employee: Employee = Relationship(back_populates="badge")


class Follow(Base, table=True):
    follower_id: int = Field(foreign_key="person.id", primary_key=True)
    followed_id: int = Field(foreign_key="person.id", primary_key=True)
    since: date


class Person(Base, table=True):
    """A many-to-many relation to itself."""

    id: int = Field(primary_key=True)
    name: str
    follows: list["Person"] = Relationship(
        back_populates="followers", link_model=Follow,
        sa_relationship_kwargs={
            "primaryjoin": "Person.id == Follow.follower_id", "secondaryjoin": "Person.id == Follow.followed_id",
        },
    )  # fmt: skip
    followers: list["Person"] = Relationship(
        back_populates="follows", link_model=Follow,
        sa_relationship_kwargs={
            "primaryjoin": "Person.id == Follow.followed_id", "secondaryjoin": "Person.id == Follow.follower_id",
        },
    )  # fmt: skip


class Transfer(Base, table=True):
    """Two foreign keys to one table."""

    id: int = Field(primary_key=True)
    amount: int
    sender_id: int = Field(foreign_key="account.id")
    receiver_id: int = Field(foreign_key="account.id")
    sender: "Account" = Relationship(
        back_populates="sent", sa_relationship_kwargs={"foreign_keys": "Transfer.sender_id"}
    )
    receiver: "Account" = Relationship(
        back_populates="received", sa_relationship_kwargs={"foreign_keys": "Transfer.receiver_id"}
    )


class Account(Base, table=True):
    id: int = Field(primary_key=True)
    owner: str
    sent: list[Transfer] = Relationship(
        back_populates="sender", sa_relationship_kwargs={"foreign_keys": "Transfer.sender_id"}
    )
    received: list[Transfer] = Relationship(
        back_populates="receiver", sa_relationship_kwargs={"foreign_keys": "Transfer.receiver_id"}
    )


class Reserved(Base, table=True):
    """Columns called as parameters are, or as a filter with an operator is."""

    __tablename__ = "reserved"
    id: int = Field(primary_key=True)
    limit: int
    offset: int
    sort: str
    fields_: str = Field(alias="fields", sa_column=sa.Column("fields", sa.String, nullable=False))
    include: str
    count: int
    q: str
    a: int
    a__b: int


class Color(Enum):
    RED = "red"
    GREEN = "green"
    NO_ONE = "1"


class Sample(Base, table=True):
    """A column of every type that can be filtered."""

    id: int = Field(primary_key=True)
    small: int | None = Field(default=None, sa_type=sa.SmallInteger)
    big: int | None = Field(default=None, sa_type=sa.BigInteger)
    text: str | None = None
    flag: bool | None = None
    price: Decimal | None = Field(default=None, max_digits=10, decimal_places=2)
    ratio: float | None = None
    day: date | None = None
    moment: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    local: datetime | None = Field(default=None, sa_type=sa.DateTime())
    clock: time | None = None
    span: timedelta | None = None
    token_id: UUID | None = Field(default=None)
    color: Color | None = None
    document: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)


class Aliased(Base, table=True):
    """Public names that differ from the attributes, and those from the columns."""

    id: int = Field(primary_key=True)
    given: str = Field(serialization_alias="givenName", sa_column=sa.Column("g", sa.String, nullable=False))
    family: str = Field(serialization_alias="familyName")


class Vault(Base, table=True):
    """Hidden columns beside visible ones with names that are near to them."""

    id: int = Field(primary_key=True)
    label: str
    labels: str | None = Field(default=None, exclude=True)
    pin: str | None = None
    password_hash: str | None = None
    owner_id: int | None = Field(default=None, foreign_key="account.id")
    keeper_id: int | None = Field(default=None, foreign_key="account.id", exclude=True)
    owner: Optional[Account] = Relationship(sa_relationship_kwargs={"foreign_keys": "Vault.owner_id"})  # noqa: UP045
    keeper: Optional[Account] = Relationship(sa_relationship_kwargs={"foreign_keys": "Vault.keeper_id"})  # noqa: UP045


class Folder(SoftDelete, Base, table=True):
    """Rows that were deleted and are still in their table."""

    id: int = Field(primary_key=True)
    name: str = Field(unique=True)
    papers: list["Paper"] = Relationship(back_populates="folder")


class Paper(SoftDelete, Versioned, UUIDKey, Timestamped, Base, table=True):
    """Every mixin at once, and a required relation that may lead to a deleted row."""

    title: str
    folder_id: int = Field(foreign_key="folder.id")
    folder: Folder = Relationship(back_populates="papers")


SECRET = "never-to-be-seen"
KEYS = ("DE", "a/b", "50%", "x,y", "ä ö/ü", "%41", "a+b", "q?x=1&y", '"quoted"', "..", ";v=1", "🚀")
"""Keys of countries, each with a city of the same name."""

PAPERS = [UUID(f"01980000-0000-7000-8000-00000000000{number}") for number in range(4)]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

_A, _B = UUID("00000000-0000-0000-0000-00000000000a"), UUID("ffffffff-0000-4000-8000-00000000000b")


def rows() -> list[Any]:
    """Everything but the blog."""
    return [
        *(Country(code=code, name=f"name of {code}") for code in KEYS),
        *(City(id=number, name=f"city of {code}", country_code=code) for number, code in enumerate(KEYS, 1)),
        Track(id=10, title="one"), Track(id=3402, title="two"), Track(id=30, title="three"),
        Playlist(id=1, name="all"), Playlist(id=2, name="some"), Playlist(id=3, name="none"),
        PlaylistTrack(playlist_id=1, track_id=3402, position=1, private_note=SECRET),
        PlaylistTrack(playlist_id=1, track_id=10, position=2, added_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        PlaylistTrack(playlist_id=2, track_id=10, position=7, private_note=SECRET),
        Shelf(room="a,b", label="c"), Shelf(room="a", label="b,c"), Shelf(room='"', label="\n"),
        Book(id=1, title="first", room="a,b", label="c"), Book(id=2, title="second", room="a", label="b,c"),
        Book(id=3, title="third", room='"', label="\n"), Book(id=4, title="lost"),
        Employee(id=1, name="Ada"), Employee(id=2, name="Ben", boss_id=1), Employee(id=3, name="Cleo", boss_id=1),
        Employee(id=4, name="Dan", boss_id=2),
        Badge(id=1, number="A-1", employee_id=1),
        Person(id=1, name="Ann"), Person(id=2, name="Bob"), Person(id=3, name="Cem"),
        Follow(follower_id=1, followed_id=2, since=date(2026, 1, 1)),
        Follow(follower_id=1, followed_id=3, since=date(2026, 1, 2)),
        Follow(follower_id=3, followed_id=1, since=date(2026, 1, 3)),
        Account(id=1, owner="bank"), Account(id=2, owner="shop"), Account(id=3, owner="nobody"),
        *(Transfer(id=number, amount=number, sender_id=1, receiver_id=2) for number in range(1, 151)),
        Transfer(id=151, amount=7, sender_id=2, receiver_id=1),
        Reserved(id=1, limit=5, offset=6, sort="s", fields_="f", include="i", count=7, q="words", a=1, a__b=2),
        Reserved(id=2, limit=50, offset=60, sort="t", fields_="g", include="j", count=70, q="other", a=3, a__b=4),
        Sample(
            id=1, small=1, big=2**40, text="a b&c=d", flag=True, price=Decimal("12.50"), ratio=0.1,
            day=date(2026, 1, 31),
            moment=datetime(2026, 1, 31, 9, 30, tzinfo=UTC), local=datetime(2026, 1, 31, 9, 30, 0, 250_000),
            clock=time(9, 30), span=timedelta(days=1, hours=2), token_id=_A, color=Color.RED, document={},
        ),
        Sample(
            id=2, small=-1, big=-(2**40), text="", flag=False, price=Decimal("-0.05"), ratio=1e300, day=date(1, 1, 1),
            moment=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), local=datetime(1, 1, 1),
            clock=time(23, 59, 59, 999_999), span=timedelta(seconds=-90), token_id=_B, color=Color.NO_ONE, document={},
        ),
        Sample(id=3),
        Sample(id=4, small=1, color=Color.GREEN),
        Aliased(id=1, given="Ada", family="Lovelace"), Aliased(id=2, given="Alan", family="Turing"),
        Vault(id=1, label="one", labels=SECRET, pin="open", password_hash=SECRET, owner_id=1, keeper_id=2),
        Folder(id=1, name="one"), Folder(id=2, name=SECRET, deleted_at=LONG_AGO),
        Folder(id=3, name="one", deleted_at=LONG_AGO), Folder(id=4, name="two"),
        *(
            Paper(id=PAPERS[number], title=title, folder_id=folder, created_at=LONG_AGO, updated_at=LONG_AGO, **gone)
            for number, (title, folder, gone) in enumerate([
                ("first", 1, {}), (SECRET, 1, {"deleted_at": LONG_AGO}), ("orphan", 2, {}), ("last", 1, {}),
            ])
        ),
    ]  # fmt: skip


def api(url: str, **options: Any) -> API:
    """Everything, the blog included, as one API."""
    return API(
        blog.User, blog.Post, blog.Comment, Country, City, Playlist, Track, PlaylistTrack, Shelf, Book, Employee, Badge,
        Person, Transfer, Account, Reserved, Resource(Sample, exposed=["token_id"]), Aliased, Vault, Folder, Paper,
        database=url,
        **{"read_only": True, **options},
    )  # fmt: skip


def fill(backend: Any) -> None:
    """Create all tables in an empty database and store all rows."""
    backend.create(blog.metadata, *blog.rows())
    stored = rows()
    for table in Base.metadata.sorted_tables:  # a row of a link table does not wait for the ends of the link by itself
        backend.create(Base.metadata, *(row for row in stored if row.__table__ is table))
