"""Names that somebody gives to a project or a table, checked, and the names that follow from them."""

import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from keyword import iskeyword

from onetrip.errors import ConfigurationError
from onetrip.schema import naming

_PROJECT = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")
_LONGEST = 50  # with what is put before and behind, a name of PostgreSQL, which has 63 bytes
_REQUIRED = frozenset({
    "alembic", "fastapi", "fastapi-cli", "httpx2", "mypy", "onetrip", "pydantic", "pytest", "ruff", "setuptools",
    "sqlalchemy", "sqlmodel", "starlette", "uvicorn",
})  # fmt: skip
"""What a project requires: of two distributions of the same name, the project would replace the other."""


@dataclass(frozen=True, slots=True)
class ProjectName:
    """A name, as it was given: `my-shop`."""

    text: str

    @property
    def title(self) -> str:
        """For people: `My shop`."""
        words = re.sub(r"[-_]+", " ", self.text)
        return words[0].upper() + words[1:]

    @property
    def identifier(self) -> str:
        """For databases and users: `my_shop`."""
        return self.text.lower().replace("-", "_")

    @property
    def image(self) -> str:
        """For an image of a container, which has lower case and no two signs in a row: `my-shop`."""
        return re.sub(r"[-_]+", "-", self.text.lower())


def project_name(text: str) -> ProjectName:
    """Check the name of a project. Raises `ConfigurationError` for what cannot be one."""
    if not _PROJECT.fullmatch(text):
        raise ConfigurationError(
            f"'{text}' is no name for a project: it begins with a letter and holds letters, digits, - and _, as in "
            "my-shop."
        )
    if len(text) > _LONGEST:
        raise ConfigurationError(f"'{text}' is longer than {_LONGEST} characters.")
    if re.sub(r"[-_]+", "-", text.lower()) in _REQUIRED:
        raise ConfigurationError(f"'{text}' is what a project requires itself: choose another name.")
    return ProjectName(text)


def module_name(text: str) -> ProjectName:
    """Check the name of a project that is one file. Raises `ConfigurationError` for what could not be imported."""
    name = project_name(text)
    if "-" in text or iskeyword(text):
        raise ConfigurationError(f"'{text}.py' could not be imported: choose a name such as {_importable(text)}.")
    if text in sys.stdlib_module_names or find_spec(text) is not None:
        raise ConfigurationError(
            f"There is a module '{text}' already, which '{text}.py' would hide: choose another name."
        )
    return name


def _importable(text: str) -> str:
    return f"{text}_api" if iskeyword(text) else text.replace("-", "_")


def class_name(text: str) -> str:
    """Check the name of a table's class. Raises `ConfigurationError` for what cannot be one."""
    if not text.isidentifier() or not text.isascii() or text.startswith("_") or iskeyword(text):
        raise ConfigurationError(f"'{text}' is no name for a class: it is written as in BlogPost.")
    if not text[0].isupper() or "_" in text:
        proposed = "".join(word[0].upper() + word[1:] for word in naming.words(text))
        raise ConfigurationError(f"'{text}' is no name for a class: did you mean '{proposed}'?")
    return text
