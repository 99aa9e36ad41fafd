"""Text that is put into somebody's file: everything else in it stays."""

import pytest

from onetrip.errors import ConfigurationError
from onetrip.scaffold.insertion import appended, checked, imported
from onetrip.scaffold.registration import find_registration, registered


@pytest.mark.parametrize(
    ("source", "module", "name", "expected"),
    [
        ("from a import B\n", "a", "B", "from a import B\n"),
        ("from a import B, d\n", "a", "C", "from a import B, C, d\n"),
        ("from a import (\n    B,  # é\n)\n", "a", "C", "from a import (\n    B, C,  # é\n)\n"),
        ("from .a import B\n", ".a", "C", "from .a import B, C\n"),
        ('"""Doc."""\n', "a", "B", '"""Doc."""\n\nfrom a import B\n'),
        ("x = 1\n", "a", "B", "from a import B\n\n\nx = 1\n"),
        ("import os\n\nimport z\n", "uuid", "UUID", "import os\nfrom uuid import UUID\n\nimport z\n"),
        ("import zlib\n", "typing", "Any", "import zlib\nfrom typing import Any\n"),
        ("import z\n", "typing", "Any", "from typing import Any\n\nimport z\n"),
        ("import os\n", "z", "Y", "import os\n\nfrom z import Y\n"),
        ("import os\n\nfrom z import Y\n", "a", "B", "import os\n\nfrom a import B\nfrom z import Y\n"),
        ("from __future__ import a\n", "os", "sep", "from __future__ import a\n\nfrom os import sep\n"),
    ],
)  # fmt: skip
def test_a_name_is_imported_in_its_place(source: str, module: str, name: str, expected: str) -> None:
    """Among the names of a module that is imported, else in its section, as isort sorts them."""
    assert imported(source, module, name) == expected


def test_what_does_not_end_in_a_line_is_added_to() -> None:
    """A last line without its end, and an empty file, are files as well."""
    assert appended("x = 1", "class A: ...\n") == "x = 1\n\n\nclass A: ...\n"
    assert appended("", "class A: ...\n") == "class A: ...\n"
    assert imported("import os", "os", "sep") == "import os\nfrom os import sep\n"


def test_what_would_break_is_refused() -> None:
    """A file that could not be parsed afterwards stays as it is."""
    with pytest.raises(ConfigurationError, match=r"models\.py cannot be added to, and stays as it is"):
        checked("class", "models.py")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from x import Item\nAPI(Item, database='')\n", "from x import Item, Post\nAPI(Item, Post, database='')\n"),
        ("API(\n    m.Item,\n    database='',\n)\n", "API(\n    m.Item,\n    m.Post,\n    database='',\n)\n"),
        ("API(\n    Resource(Item, path='é'),  # 1\n)\n", "API(\n    Resource(Item, path='é'),\n    Post,  # 1\n)\n"),
        ("from .m import Item\nAPI(\n  Item)\n", "from .m import Item, Post\nAPI(\n  Item,\n  Post)\n"),
    ],
)  # fmt: skip
def test_a_table_is_registered(source: str, expected: str) -> None:
    """Behind the others, as they are called, each on its line if they are."""
    found = find_registration(source, ["Item"])
    assert found is not None
    assert registered(source, found, "Post", "main.py") == expected


@pytest.mark.parametrize("source", ["API(*TABLES)", "API(Other)", "x = 1", "API(Item)\nAPI(Item)", "API(database='')"])
def test_where_tables_are_not_named_is_known(source: str) -> None:
    """No API, several, or one whose tables cannot be seen: nothing is written then."""
    assert find_registration(source, ["Item"]) is None
