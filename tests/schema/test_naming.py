import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrip.schema import naming

WORDS = [
    # singular, plural
    ("Employee", "Employees"), ("media_type", "media_types"), ("user", "users"), ("Genre", "Genres"),
    ("Address", "Addresses"), ("Status", "Statuses"), ("bus", "buses"), ("alias", "aliases"), ("lens", "lenses"),
    ("Category", "Categories"), ("day", "days"), ("movie", "movies"), ("cookie", "cookies"), ("query", "queries"),
    ("Person", "People"), ("salesperson", "salespeople"), ("child", "children"), ("woman", "women"),
    ("human", "humans"), ("specimen", "specimens"), ("mouse", "mice"), ("Hero", "Heroes"), ("photo", "photos"),
    ("box", "boxes"), ("index", "indexes"), ("branch", "branches"), ("cache", "caches"), ("dish", "dishes"),
    ("iris", "irises"), ("taxi", "taxis"), ("wiki", "wikis"),
    ("quiz", "quizzes"), ("size", "sizes"), ("case", "cases"), ("database", "databases"), ("course", "courses"),
    ("house", "houses"), ("clause", "clauses"), ("use", "uses"), ("axe", "axes"), ("analysis", "analyses"),
    ("leaf", "leaves"), ("archive", "archives"), ("shoe", "shoes"), ("api", "apis"), ("menu", "menus"),
    ("criterion", "criteria"), ("process", "processes"), ("key", "keys"),
    ("EMPLOYEE", "EMPLOYEES"), ("USER_ROLE", "USER_ROLES"), ("PlaylistID", "PlaylistIDs"), ("blogPost", "blogPosts"),
    ("order-line", "order-lines"), ("Order Detail", "Order Details"), ("address_2", "addresses_2"), ("mp3", "mp3s"),
    ("größe", "größes"),
]  # fmt: skip
UNCHANGED = ["Data", "News", "Series", "series", "metadata", "equipment", "SHEEP", "", "_", "42", "!!"]


@pytest.mark.parametrize(("singular", "plural"), WORDS)
def test_singular_and_plural(singular: str, plural: str) -> None:
    """The last word changes, in the style of the name; what is plural or singular already stays."""
    assert naming.plural(singular) == plural
    assert naming.plural(plural) == plural
    assert naming.singular(plural) == singular
    assert naming.singular(singular) == singular


@pytest.mark.parametrize("name", UNCHANGED)
def test_words_without_a_plural_of_their_own(name: str) -> None:
    """A word that is the same in both numbers, and a name without letters, stay as they are."""
    assert naming.plural(name) == naming.singular(name) == name


def test_plurals_that_belong_to_two_words() -> None:
    """A plural is read as that of the commoner word in schemas."""
    assert (naming.plural("basis"), naming.singular("bases")) == ("bases", "base")
    assert (naming.plural("medium"), naming.singular("media")) == ("media", "media")
    assert (naming.plural("datum"), naming.singular("data")) == ("data", "data")


@given(st.from_regex(r"[a-z]{2,12}(_[a-z]{2,12})?", fullmatch=True))
def test_plural_in_every_style(name: str) -> None:
    """The plural of a word does not depend on the style that the name is written in."""
    many = naming.plural(name)
    assert naming.plural(name.upper()) == many.upper()
    assert naming.plural(name.title().replace("_", "")) == many.title().replace("_", "")


@pytest.mark.parametrize(
    ("class_name", "path"),
    [
        ("BlogPost", "blog-posts"),
        ("Category", "categories"),
        ("HTTPServer", "http-servers"),
        ("Person", "people"),
        ("User", "users"),
        ("Users", "users"),
        ("UserIDs", "user-ids"),
        ("OAuth2Token", "o-auth2-tokens"),
        ("media_type", "media-types"),
        ("API", "apis"),
        ("News", "news"),
    ],
)
def test_resource_path(class_name: str, path: str) -> None:
    """A class is served under the kebab-case plural of its name."""
    assert naming.resource_path(class_name) == path


@pytest.mark.parametrize(
    ("name", "snake"),
    [("apiKey", "api_key"), ("HTTPServer", "http_server"), ("PasswordHash", "password_hash"), ("a b-c", "a_b_c")],
)
def test_snake(name: str, snake: str) -> None:
    """Words are found in every style."""
    assert naming.snake(name) == snake


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("item", "an item"), ("order_item", "an order item"), ("user", "a user"), ("unit", "a unit"),
        ("umbrella", "an umbrella"), ("european", "a european"), ("event", "an event"), ("post", "a post"),
    ],
)  # fmt: skip
def test_one(name: str, one: str) -> None:
    """As one says it."""
    assert naming.one(name) == one


@pytest.mark.parametrize(
    ("table", "class_name"),
    [
        ("album", "Album"),
        ("playlist_track", "PlaylistTrack"),
        ("users", "User"),
        ("Order Details", "OrderDetail"),
        ("USER_ROLES", "UserRole"),
        ("HTTPServer", "HTTPServer"),
        ("order-line", "OrderLine"),
        ("class", "Class"),
        ("none", "None_"),
        ("2fa", "Table2fa"),
        ("!!", "Table"),
        ("größe", "Größe"),
    ],
)
def test_class_name(table: str, class_name: str) -> None:
    """Whatever a table is called, its class has a name that Python accepts."""
    assert naming.class_name(table) == class_name
    assert class_name.isidentifier()
    assert not keyword.iskeyword(class_name)


@pytest.mark.parametrize(
    ("columns", "parent", "names"),
    [
        # the column without its ending; if that is taken, with the table that it refers to
        (["AlbumId"], "Album", ("Album",)),
        (["author_id"], "users", ("author", "author_user")),
        (["SupportRepId"], "Employee", ("SupportRep", "SupportRepEmployee")),
        (["authorId"], "users", ("author", "authorUser")),
        (["AuthorID"], "Users", ("Author", "AuthorUser")),
        (["ISBNId"], "Book", ("ISBN", "ISBNBook")),
        (["AUTHOR_ID"], "USERS", ("AUTHOR", "AUTHOR_USER")),
        (["author_fk"], "users", ("author", "author_user")),
        (["AuthorFk"], "Users", ("Author", "AuthorUser")),
        (["author id"], "users", ("author", "author_user")),
        (["Blog Post-ID"], "posts", ("BlogPost", "BlogPostPost")),
        # folded by PostgreSQL: the ending shows only beside the table's name
        (["albumid"], "album", ("album",)),
        (["userfk"], "users", ("user",)),
        (["paid"], "invoices", ("paid_invoice",)),
        # nothing but the ending
        (["id"], "users", ("user",)),
        (["_ID"], "Users", ("User",)),
        # no ending: the column would be called as its relation
        (["ReportsTo"], "Employee", ("ReportsToEmployee",)),
        (["reports_to"], "employees", ("reports_to_employee",)),
        (["user"], "users", ("user_user",)),
        (["Reports To"], "Employee", ("ReportsToEmployee",)),
        (["作者id"], "users", ("作者id_user",)),
        # several columns: the table referred to, in the style of the first
        (["OrderId", "LineNo"], "order_lines", ("OrderLine", "OrderLineByOrderIdLineNo")),
        (["order_id", "line_no"], "OrderLines", ("order_line", "order_line_by_order_id_line_no")),
        (["orderId", "lineNo"], "order_lines", ("orderLine", "orderLineByOrderIdLineNo")),
    ],
)
def test_to_one(columns: list[str], parent: str, names: tuple[str, ...]) -> None:
    """A relation to one is called as its column without `id`, and never as the column."""
    assert naming.to_one(columns, parent) == names
    assert not set(names) & set(columns)


@pytest.mark.parametrize(
    ("child", "stem", "alone", "names"),
    [
        ("Employee", "ReportsTo", True, ("Employees", "EmployeesByReportsTo")),
        ("invoice_line", "invoice", True, ("invoice_lines", "invoice_lines_by_invoice")),
        ("posts", "editor", False, ("posts_by_editor",)),
        ("Post", "editor", False, ("PostsByEditor",)),
        ("POSTS", "EDITOR", False, ("POSTS_BY_EDITOR",)),
        ("Blog_Post", "editor", False, ("Blog_Posts_By_Editor",)),
        ("Order Details", "Order", True, ("OrderDetails", "OrderDetailsByOrder")),
        ("order-lines", "order", True, ("order_lines", "order_lines_by_order")),
    ],
)
def test_to_many(child: str, stem: str, alone: bool, names: tuple[str, ...]) -> None:
    """The way back is the plural of the child, and says by which key if there are several."""
    assert naming.to_many(child, stem, alone=alone) == names


def test_one_to_one() -> None:
    """The way back to at most one row is in the singular."""
    assert naming.one_to_one("profiles", "user", alone=True) == ("profile", "profile_by_user")
    assert naming.one_to_one("Profile", "owner", alone=False) == ("ProfileByOwner",)


def test_many_to_many() -> None:
    """The way through a link table is the plural of the far side, and says by which link if that is needed."""
    assert naming.many_to_many("Track", "PlaylistTrack", alone=True) == ("Tracks", "TracksByPlaylistTrack")
    assert naming.many_to_many("follower", "follows", alone=True) == ("followers", "followers_by_follow")
    assert naming.many_to_many("posts", "likes", alone=False) == ("posts_by_like",)


def test_unused() -> None:
    """The first free name is taken; when none is free, the last one is numbered from 2, in its style."""
    assert naming.unused(("a", "b"), set()) == "a"
    assert naming.unused(("a", "b"), {"a"}) == "b"
    assert naming.unused(("a", "posts"), {"a", "posts"}) == "posts_2"
    assert naming.unused(("Posts",), {"Posts", "Posts2"}) == "Posts3"
