"""Which relations may have their rows in a body, and what is refused at start."""

from typing import Any, Optional

import pytest
from pydantic import BaseModel
from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel

from onetrip import API, ConfigurationError, Resource, Versioned
from tests.schema.serving import schema_of


class Base(SQLModel, registry=registry()):
    """Keeps these tables apart from those of other tests."""


class Listing(Base, table=True):
    """A link that has to say more than its two keys."""

    shop_id: int = Field(foreign_key="shop.id", primary_key=True)
    mall_id: int = Field(foreign_key="mall.id", primary_key=True)
    floor: int


class Mall(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    shops: list["Shop"] = Relationship(back_populates="malls", link_model=Listing)


class Owner(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


class Shop(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    owner_id: int = Field(foreign_key="owner.id")
    founder_id: int | None = Field(default=None, foreign_key="owner.id", exclude=True)
    owner: Owner = Relationship(sa_relationship_kwargs={"foreign_keys": "Shop.owner_id"})
    twin: Owner = Relationship(sa_relationship_kwargs={"foreign_keys": "Shop.owner_id", "overlaps": "owner"})
    founder: Owner | None = Relationship(sa_relationship_kwargs={"foreign_keys": "Shop.founder_id"})
    items: list["Item"] = Relationship(back_populates="shop")
    seen: list["Item"] = Relationship(sa_relationship_kwargs={"viewonly": True})
    safes: list["Safe"] = Relationship()
    ledgers: list["Ledger"] = Relationship()
    visits: list["Visit"] = Relationship()
    licence: Optional["Licence"] = Relationship(back_populates="shop", sa_relationship_kwargs={"uselist": False})
    malls: list[Mall] = Relationship(back_populates="shops", link_model=Listing)


class Item(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    shop_id: int = Field(foreign_key="shop.id")
    shop: Shop = Relationship(back_populates="items")


class Safe(Base, table=True):
    """Nobody can create it."""

    id: int | None = Field(default=None, primary_key=True)
    api_key: str
    shop_id: int = Field(foreign_key="shop.id")


class Ledger(Versioned, Base, table=True):
    """Is changed with `If-Match` only."""

    id: int | None = Field(default=None, primary_key=True)
    shop_id: int = Field(foreign_key="shop.id")


class Visit(Base, table=True):
    """Nobody may say whose it is."""

    id: int | None = Field(default=None, primary_key=True)
    shop_id: int | None = Field(default=None, foreign_key="shop.id", exclude=True)


class Licence(Base, table=True):
    id: int | None = Field(default=None, primary_key=True)
    shop_id: int = Field(foreign_key="shop.id", unique=True)
    shop: Shop = Relationship(back_populates="licence")


class ShopCreate(BaseModel):
    name: str
    owner_id: int
    items: list[str] = []


class ShopUpdate(BaseModel):
    name: str = ""


def declared(*nested: str, **options: Any) -> list[Any]:
    others = [Owner, Item, Safe, Resource(Ledger, require_if_match=True), Visit, Licence, Mall]
    return [Resource(Shop, nested=nested, **options), *others]


@pytest.mark.parametrize(
    ("nested", "options", "reason"),
    [
        (["itmes"], {}, "'itmes' is not a relation. Did you mean 'items'?"),
        (["name"], {}, "'name' is not a relation. There are: owner, twin, founder, items"),
        (["items"], {"hidden": ["items"]}, "'items' is hidden: leave it out of one of the two."),
        (["seen"], {}, "'seen' is for reading only, or more than foreign keys"),
        (["safes"], {}, "'safes' leads to 'safes', which takes no POST: 'api_key' must have a value"),
        (["ledgers"], {}, "'ledgers' leads to 'ledgers', whose rows are only changed with 'If-Match'"),
        (["visits"], {}, "'visits' refers by a foreign key that no client sets, so that it takes no POST either"),
        (["founder"], {}, "'founder' refers by a foreign key that no client sets"),
        (["licence"], {}, "'licence' leads to one row that refers to this one"),
        (["malls"], {}, "'malls' is linked by rows that need more than two keys"),
        (["owner", "twin"], {}, "'twin' sets 'owner_id', as 'owner' does: leave one of them out."),
        (["items"], {"create": ShopCreate}, "'items' is a field of ShopCreate already"),
    ],
)
def test_what_cannot_stand_in_a_body_is_refused(nested: list[str], options: Any, reason: str) -> None:
    """At start, with the place, the fact and the remedy."""
    with pytest.raises(ConfigurationError) as refused:
        schema_of(*declared(*nested, **options))
    assert str(refused.value).startswith(f"Resource(Shop, nested=…): {reason}"), refused.value


def test_a_relation_leads_to_what_is_served() -> None:
    with pytest.raises(ConfigurationError, match="'items' leads to Item, which is not served: add that to the API"):
        schema_of(Resource(Shop, nested=["items"]))
    with pytest.raises(ConfigurationError, match="nested='items' is one string"):
        Resource(Shop, nested="items")


def test_bodies_have_the_relations_whose_keys_they_set() -> None:
    """A hand-written model that leaves a foreign key out says that a relation does not set it either."""
    bodies = schema_of(*declared("items", "owner", update=ShopUpdate)).nested["shops"]
    found = {kind: [inner.name for inner in body.inner] for kind, body in bodies.items()}
    assert found == {"create": ["items", "owner"], "update": ["items"]}
    assert schema_of(*declared("items")).read_only().nested == {}
    assert schema_of(*declared()).nested == {}


def test_the_start_says_what_takes_a_session() -> None:
    api = API(*declared("items", "owner"), database="sqlite://")
    sentence = "/shops: a body with rows of 'items' and 'owner' in it takes a session instead of one statement"
    assert sentence in api.notes
