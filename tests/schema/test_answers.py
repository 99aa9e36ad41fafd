"""What OpenAPI says of answers: components with stable names, and relations as references between them."""

from typing import Any, Optional

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict, computed_field
from sqlalchemy.orm import foreign, registry, relationship, remote
from sqlmodel import Field, Relationship

from onetrip import API, Resource
from onetrip.schema.bodies import answer_models
from tests.schema.serving import base, schema_of
from tests.support import blog


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class PostRead(Read):
    id: int
    title: str


class UserRead(Read):
    id: int
    posts: list[PostRead]


def components(*resources: Any, routes: APIRouter | None = None) -> dict[str, Any]:
    """The components of an application that serves resources beside routes of its own."""
    api = API(*resources, database="sqlite://")
    app = FastAPI()
    app.include_router(api.router)
    if routes is not None:
        app.include_router(routes)
    document = app.openapi()
    found: dict[str, Any] = document["components"]["schemas"]
    referred = {name.removeprefix("#/components/schemas/") for name in references(document)}
    assert referred <= found.keys()
    return found


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        inner = set().union(*map(references, node.values())) if node else set()
        return inner | ({node["$ref"]} if isinstance(node.get("$ref"), str) else set())
    return set().union(*map(references, node)) if isinstance(node, list) and node else set()


def properties(component: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = component["properties"]
    return shown


def test_components() -> None:
    """A resource is a component, with its columns and the relations that can be embedded, which are not required."""
    found = components(blog.User, blog.Post, blog.Comment)
    assert {"UserRead", "PostRead", "CommentRead"} <= found.keys()
    post = found["PostRead"]
    user, comment = {"$ref": "#/components/schemas/UserRead"}, {"$ref": "#/components/schemas/CommentRead"}
    assert properties(post)["author"] == user
    assert properties(post)["comments"] == {"type": "array", "items": comment}
    assert properties(found["CommentRead"])["author"] == {"anyOf": [user, {"type": "null"}]}
    assert post["required"] == ["id", "title", "content", "views", "published", "author_id"]
    assert "internal_note" not in properties(post)


def test_docstrings() -> None:
    """A component is described by the docstring of the class, or by that of the hand-written schema."""

    class User(base(), table=True):
        """Somebody."""

        id: int = Field(primary_key=True)

    class Written(Read):
        """Somebody, in short."""

        id: int

    assert components(User)["UserRead"]["description"] == "Somebody."
    assert components(Resource(User, read=Written))["Written"]["description"] == "Somebody, in short."


def test_hand_written_schemas() -> None:
    """A hand-written schema is a component as it is; with the relations that `include` adds it is one of its own."""
    found = components(Resource(blog.User, read=UserRead), Resource(blog.Post, read=PostRead))
    assert properties(found["PostRead"]).keys() == {"id", "title"}
    assert properties(found["PostReadWithRelations"]).keys() == {"id", "title", "author"}
    assert properties(found["PostReadWithRelations"])["author"] == {"$ref": "#/components/schemas/UserRead"}
    assert properties(found["UserRead"])["posts"]["items"] == {"$ref": "#/components/schemas/PostRead"}
    assert "UserReadWithRelations" not in found


def test_a_name_is_taken_once() -> None:
    """A derived model gives way to a hand-written one of its name, and a second one of a name is numbered."""

    class Text(base(), table=True):
        __tablename__ = "texts"
        id: int = Field(primary_key=True)

    class Other(base(), table=True):
        __tablename__ = "others"
        id: int = Field(primary_key=True)

    Other.__name__ = "Text"
    found = components(Resource(blog.User, read=UserRead), blog.Post, Text, Other)
    assert {"UserRead", "PostRead", "PostRead2", "TextRead", "TextRead2"} <= found.keys()
    assert properties(found["PostRead2"])["author"] == {"$ref": "#/components/schemas/UserRead"}


def test_models_of_one_name_elsewhere() -> None:
    """Where a user's own endpoint answers with another model of that name, references still lead to the right one."""
    routes = APIRouter()

    class UserRead(BaseModel):
        nickname: str

    @routes.get("/nickname")
    def nickname() -> UserRead:
        return UserRead(nickname="x")

    found = components(blog.User, blog.Post, routes=routes)
    name = properties(found["PostRead"])["author"]["$ref"].removeprefix("#/components/schemas/")
    assert properties(found[name]).keys() >= {"email", "posts"}
    assert [name for name, each in found.items() if each.get("properties", {}).keys() == {"nickname"}]


def test_the_same_model_elsewhere() -> None:
    """A hand-written schema keeps its name and its properties when a hand-written endpoint answers with it too."""
    routes = APIRouter()

    @routes.get("/latest")
    def latest() -> PostRead:
        return PostRead(id=1, title="x")

    found = components(Resource(blog.Post, read=PostRead), blog.User, routes=routes)
    assert properties(found["PostRead"]).keys() == {"id", "title"}
    assert properties(found["PostReadWithRelations"]).keys() == {"id", "title", "author"}


def test_link_rows() -> None:
    """The columns of a link row are described where they stand."""
    Base = base()

    class Tagging(Base, table=True):
        post_id: int = Field(foreign_key="post.id", primary_key=True)
        tag_id: int = Field(foreign_key="tag.id", primary_key=True)
        weight: int | None = None

    class Tag(Base, table=True):
        id: int = Field(primary_key=True)

    class Post(Base, table=True):
        id: int = Field(primary_key=True)
        tags: list[Tag] = Relationship(link_model=Tagging)

    items = properties(components(Post, Tag)["PostRead"])["tags"]["items"]
    assert items["allOf"] == [{"$ref": "#/components/schemas/TagRead"}]
    assert items["required"] == ["_link"]
    weight = items["properties"]["_link"]["properties"]["weight"]["anyOf"]
    assert [each["type"] for each in weight] == ["integer", "null"]


def test_computed_fields() -> None:
    """A computed field is shown as what it is: always there, and not for writing."""

    class User(base(), table=True):
        id: int = Field(primary_key=True)

        @computed_field
        @property
        def label(self) -> str:
            return str(self.id)

    shown = components(User)["UserRead"]
    assert properties(shown)["label"] == {"readOnly": True, "title": "Label", "type": "string"}
    assert shown["required"] == ["id", "label"]


class Tree(BaseModel):
    branches: list["Tree"] = []


def test_models_that_contain_themselves() -> None:
    """A model in a JSON column may lead back to itself, and a relation still leads to the table that has it."""
    Base = base()

    class Forest(Base, table=True):
        id: int = Field(primary_key=True)
        tree: Tree = Field(sa_type=sa.JSON)
        next_id: int | None = Field(default=None, foreign_key="forest.id")
        next: Optional["Forest"] = Relationship(sa_relationship_kwargs={"remote_side": "Forest.id"})

    found = components(Forest)
    assert properties(found["ForestRead"])["tree"] == {"$ref": "#/components/schemas/Tree-Output"}
    assert {"$ref": "#/components/schemas/ForestRead"} in properties(found["ForestRead"])["next"]["anyOf"]


def test_models_stay_apart() -> None:
    """However many tables lead to one another, no model contains another: a component refers to them all."""
    count = 6
    mappers = registry()
    tables = [
        sa.Table(
            f"t{number}", mappers.metadata, sa.Column("id", sa.Integer, primary_key=True),
            *(sa.Column(f"t{other}_id", sa.ForeignKey(f"t{other}.id")) for other in range(count)),
        )
        for number in range(count)
    ]  # fmt: skip
    classes = [type(f"T{number}", (), {}) for number in range(count)]
    for cls, table in zip(classes, tables, strict=True):
        to_all = {
            f"to{number}": relationship(
                target, primaryjoin=foreign(table.c[f"t{number}_id"]) == remote(tables[number].c.id), viewonly=True
            )
            for number, target in enumerate(classes)
        }
        mappers.map_imperatively(cls, table, properties=to_all)
    models = answer_models(schema_of(*classes).resources)
    assert len(models) == count
    for model in models.values():
        assert not any(name.startswith("to") for name in model.model_fields)
    found = components(*classes)
    for number in range(count):
        referred = references(found[f"T{number}Read"])
        assert referred == {f"#/components/schemas/T{other}Read" for other in range(count)}
