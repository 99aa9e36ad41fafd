"""What is hidden: by exclusion, by name, by looking secret; and that it stays so wherever it could be reached."""

from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import computed_field
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship
from sqlmodel import Field, Relationship, SQLModel

from onetrip import ConfigurationError, Resource
from onetrip.schema.hidden import looks_secret
from onetrip.schema.mappers import REFLECTED
from onetrip.schema.notes import notes
from tests.schema.serving import base, fields, resource_of, schema_of, served
from tests.support.databases import Backend

SECRET = [
    "password", "hashed_password", "passwordHash", "PasswordHash", "userpassword", "passwd", "pwd", "user_pw",
    "passcode", "old_passphrase", "secret", "client_secret", "clientSecret", "SECRETS", "token", "refresh_tokens",
    "hash", "sha_hashes", "salt", "otp", "totp_seed", "jwt", "api_key", "apiKey", "stripe_apikey", "APIKey",
    "private_key", "sshPrivateKey", "privatekey", "access_key_id", "signing_key", "session_key", "recovery_codes",
    "backup_code", "security_answer", "cvv", "cvc", "ssn", "credentials", "user_credential", "auth-key",
    "secret key",
]  # fmt: skip
PLAIN = [
    "hashtag", "hashtags", "secretary", "tokenizer", "salty", "passport", "pass_count", "passenger", "key", "keyboard",
    "api", "private", "access", "id", "", "_", "spin", "cover", "photo", "tokyo", "session", "answer", "code",
    "monkey_private", "asset_key",
]  # fmt: skip


@pytest.mark.parametrize(("name", "secret"), [*((name, True) for name in SECRET), *((name, False) for name in PLAIN)])
def test_names_that_look_secret(name: str, secret: bool) -> None:
    """A secret is known by a word or a part of its name, in every style; a word that only contains one is not."""
    assert looks_secret(name) is secret


def account() -> Any:
    class Account(base(), table=True):
        id: int = Field(primary_key=True)
        email: str
        hashed_password: str = "x"
        token: str = "x"
        note: str = Field(default="x", exclude=True)
        display: str = Field(default="x", sa_column_kwargs={"name": "secret_name"})

        @computed_field
        @property
        def password_hint(self) -> str:
            return self.hashed_password

    return Account


@pytest.mark.parametrize(
    ("options", "shown", "guessed"),
    [
        ({}, "id email", "display hashed_password password_hint token"),
        ({"hidden": ["email", "token"]}, "id", "display hashed_password password_hint"),
        ({"exposed": ["token", "display"]}, "id email token display", "hashed_password password_hint"),
        ({"exposed": ["note"]}, "id email note", "display hashed_password password_hint token"),
        ({"exposed": ["password_hint"]}, "id email password_hint", "display hashed_password token"),
    ],
)
def test_hidden_and_exposed(options: dict[str, Any], shown: str, guessed: str) -> None:
    """What looks secret is hidden unless it is exposed by name, and so is what is excluded; the start says what."""
    resource = resource_of(Resource(account(), **options))
    assert [item.name for item in resource.view.items] == shown.split()
    assert list(resource.guessed_secrets) == guessed.split()
    said = f"/accounts: hidden, because the name looks secret: {', '.join(guessed.split())} (show it with exposed=[…])"
    assert next(notes([resource])) == said


def test_keys_are_not_hidden() -> None:
    """A primary key is an address, and a foreign key is one of another row, unless that is called as a secret is."""

    class Base(DeclarativeBase):
        pass

    class Token(Base):
        __tablename__ = "tokens"
        token: Mapped[str] = mapped_column(primary_key=True)

    class Hash(Base):
        __tablename__ = "hashes"
        hash_id: Mapped[int] = mapped_column(primary_key=True)
        parent_hash: Mapped[int] = mapped_column(sa.ForeignKey("hashes.hash_id"))
        salt_id: Mapped[int] = mapped_column(sa.ForeignKey("salts.id"))
        current_token: Mapped[str] = mapped_column(sa.ForeignKey("tokens.token"))

    class Salt(Base):
        __tablename__ = "salts"
        id: Mapped[int] = mapped_column(primary_key=True)

    schema = schema_of(Token, Hash, Salt)
    assert [field.name for field in schema.resources["tokens"].view.fields] == ["token"]
    assert [field.name for field in schema.resources["hashes"].view.fields] == ["hash_id", "salt_id"]


def test_private_attributes() -> None:
    """An attribute that Python calls private is hidden like a secret; a column of a database that was read is not."""

    class Base(DeclarativeBase):
        pass

    class Row(Base):
        __tablename__ = "rows"
        id: Mapped[int] = mapped_column(primary_key=True)
        _balance: Mapped[int] = mapped_column("balance")

    class Read:
        pass

    mappers = registry()
    table = sa.Table(
        "read", mappers.metadata, sa.Column("_id", sa.Integer, primary_key=True), sa.Column("_x", sa.Integer)
    )
    table.info[REFLECTED] = True
    mappers.map_imperatively(Read, table)
    schema = schema_of(Row, Read)
    assert {name: list(fields(resource)) for name, resource in schema.resources.items()} == {
        "rows": ["id"], "read": ["_id", "_x"]
    }  # fmt: skip
    assert list(notes(schema.resources.values())) == [
        "/rows: hidden, because the name is private: _balance (show it with exposed=[…])",
        "/rows: served without POST, because '_balance' must have a value, and nothing provides one: "
        "give the column a default, or a model that has it, Resource(Row, create=…)",
    ]
    assert list(fields(resource_of(Resource(Row, exposed=["_balance"])))) == ["id", "_balance"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": ["emial"]}, "Resource(Account): there is no 'emial'. Did you mean 'email'?"),
        (
            {"exposed": ["q"]},
            "Resource(Account): there is no 'q'. It has: display, email, hashed_password, id, note, password_hint, "
            "token.",
        ),
    ],
)
def test_unknown_names(options: dict[str, Any], message: str) -> None:
    """A name that the class does not have is refused, with the nearest one."""
    with pytest.raises(ConfigurationError) as refused:
        resource_of(Resource(account(), **options))
    assert str(refused.value) == message


def test_hidden_relations() -> None:
    """A relation that is hidden is not served; neither is it shown by a read schema that names it."""

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        boss_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
        boss: Mapped["User | None"] = relationship(remote_side=id)

    class Boss(SQLModel):
        id: int

    class UserRead(SQLModel):
        id: int
        boss: Boss | None

    assert resource_of(Resource(User, hidden=["boss"])).relations == {}
    with pytest.raises(ConfigurationError) as refused:
        resource_of(Resource(User, hidden=["boss", "boss_id"], read=UserRead))
    assert str(refused.value) == (
        "UserRead shows what Resource(User, hidden=…) hides: boss. Leave it out of one of the two."
    )


def test_hidden_columns_of_an_embedded_row(backend: Backend) -> None:
    """Embedded along every relation, a row shows what it shows by itself; a read schema cannot undo `hidden`."""
    Base = base()

    class Membership(Base, table=True):
        team_id: int = Field(foreign_key="team.id", primary_key=True)
        user_id: int = Field(foreign_key="user.id", primary_key=True)
        role: str = "member"
        invite_token: str = "hush"
        remark: str = Field(default="hush", exclude=True)

    class User(Base, table=True):
        id: int = Field(primary_key=True)
        name: str
        email: str = "hush"
        password: str = "hush"
        teams: list["Team"] = Relationship(back_populates="users", link_model=Membership)

    class Team(Base, table=True):
        id: int = Field(primary_key=True)
        users: list[User] = Relationship(back_populates="teams", link_model=Membership)

    class Member(SQLModel):
        name: str
        email: str

    class TeamRead(SQLModel):
        id: int
        users: list[Member]

    rows = [User(id=1, name="ada"), Team(id=1), Membership(team_id=1, user_id=1)]
    private = Resource(User, hidden=["email"])
    with served(backend, private, Team, rows=rows) as api:
        assert api.get("/teams?include=users") == [
            {"id": 1, "users": [{"id": 1, "name": "ada", "_link": {"role": "member"}}]}
        ]
        assert api.get("/teams/1/users") == [{"id": 1, "name": "ada", "_link": {"role": "member"}}]
        for path in ("/teams?fields=users.{}", "/users?fields={}", "/users?sort={}", "/users?{}=hush"):
            for name in ("email", "password", "nothing"):
                assert api.refusal(path.format(name)).startswith(f"'{name}' is not a ")
    with pytest.raises(ConfigurationError, match=r"Member shows what Resource\(User, hidden=…\) hides: email"):
        schema_of(private, Resource(Team, read=TeamRead))
