"""The files of a new project, from those in `templates/`: `$name` in them is replaced, `dot-` is a leading dot."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from string import Template

_SUFFIX = ".tmpl"
_DOT = "dot-"


def rendered(kind: str, values: Mapping[str, str]) -> dict[PurePosixPath, str]:
    """Fill in the templates of a kind (`project`, `minimal`), by their paths in the project."""
    root = files("onetrip.scaffold").joinpath("templates", kind)
    return {path: Template(text).substitute(values) for path, text in _texts(root, PurePosixPath())}


def _texts(folder: Traversable, place: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _texts(entry, place / entry.name)
        elif entry.name.endswith(_SUFFIX):
            name = entry.name.removesuffix(_SUFFIX)
            yield place / (f".{name.removeprefix(_DOT)}" if name.startswith(_DOT) else name), entry.read_text("utf-8")
