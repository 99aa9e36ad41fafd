"""`Target` → `Loaded`: the application to serve, and the APIs in it.

User code is imported here, and a foreign database reflected; nothing is created and nothing is said.
"""

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.orm import Mapper
from starlette.applications import Starlette
from starlette.types import ASGIApp

from onetrip.app import API
from onetrip.cli.application import application
from onetrip.cli.connection import connected
from onetrip.cli.imports import import_all, import_code
from onetrip.cli.places import path_shown, url_shown
from onetrip.cli.target import Code, DatabaseTarget, ObjectTarget, Target
from onetrip.db.database import Database
from onetrip.errors import ConfigurationError, nearest
from onetrip.http.idempotency import KEPT
from onetrip.schema.reflect import Progress, Reflected, reflect
from onetrip.sql.own import idempotency


@dataclass(frozen=True, slots=True)
class Loaded:
    """What will be served.

    `seed` is the package that may hold a seed; `remarks` are what the user should know; a `reflected` database is as
    its tables say, and nobody's to create.
    """

    app: ASGIApp
    apis: tuple[API, ...]
    seed: Code | None = None
    remarks: tuple[str, ...] = ()
    reflected: bool = False


def load(target: Target, progress: Progress, *, read_only: bool = False) -> Loaded:
    """Import or reflect a target. Raises `ConfigurationError` for whatever cannot be served.

    `read_only` is for tables: what can be changed through an API of the user's is said where it is made.
    """
    if isinstance(target, DatabaseTarget):
        return _database(target.url, progress, read_only)
    if isinstance(target, ObjectTarget):
        loaded = _object(target.code, target.attribute)
    else:
        modules = import_all(target.code)
        made = _made(target.code, modules)
        if made is None:
            return _tables_of(target.code, modules, read_only)
        loaded = made
    if read_only:
        raise ConfigurationError(
            f"--read-only is for tables and for databases. What {path_shown(target.code.path)} serves is said there: "
            "API(…, read_only=True)."
        )
    return loaded


# A database


def _database(url: URL, progress: Progress, read_only: bool) -> Loaded:
    reflected, keeps = asyncio.run(_reflect(Database(url, own=False), progress))
    remarks = [f"{refusal.table} is not served. {refusal.reason}" for refusal in reflected.refused]
    if not reflected.classes:
        raise ConfigurationError(" ".join((f"There is no table to serve in {url_shown(url)}.", *remarks)))
    shown = url.render_as_string(hide_password=False)
    kept = KEPT if keeps else None  # what needs a table of ours is not offered where nobody has made it
    api = API(*reflected.classes, database=shown, own=False, read_only=read_only, idempotency_keys=kept)
    remarks += [f"{refusal.table}: {refusal.reason}" for refusal in reflected.unrelated]
    name = Path(url.database).stem if url.drivername == "sqlite" and url.database else url.database
    return Loaded(application(api, _title(name or "database")), (api,), remarks=tuple(remarks), reflected=True)


async def _reflect(database: Database, progress: Progress) -> tuple[Reflected, bool]:
    """Read the catalogue: the tables, and whether idempotency keys can be kept."""
    try:
        async with connected(database) as connection:
            reflected = await connection.run_sync(lambda sync: reflect(sync, progress=progress))
            return reflected, await connection.run_sync(lambda sync: sa.inspect(sync).has_table(idempotency.name))
    finally:
        await database.close()


# One object


def _object(code: Code, attribute: str) -> Loaded:
    module = import_code(code)
    place = path_shown(code.path)
    found: Any = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise ConfigurationError(f"{place} has no '{name}'. {_nearest_object(name, found)}".rstrip())
        found = getattr(found, name)
    if isinstance(found, API):
        return Loaded(application(found, _title(code.name)), (found,))
    return _served(_asgi(found, f"{place}:{attribute}"), [module], None)


def _nearest_object(name: str, inside: Any) -> str:
    known = [key for key in vars(inside) if not key.startswith("_")] if hasattr(inside, "__dict__") else []
    served = [key for key in known if isinstance(getattr(inside, key), API | Starlette)]
    return nearest(name, known) or (f"It has: {', '.join(served)}." if served else "")


def _asgi(found: Any, place: str) -> ASGIApp:
    """Accept an ASGI application. Raises `ConfigurationError` for anything else, and says what it is."""
    if isinstance(found, Starlette):
        return found
    called = found if inspect.isroutine(found) else getattr(type(found), "__call__", None)  # noqa: B004
    if inspect.iscoroutinefunction(called):
        return found  # type: ignore[no-any-return]
    kind, remedy = f"an object of type {type(found).__name__}", ""
    if inspect.isclass(found):
        kind = "a class"
    elif inspect.isroutine(found):
        kind, remedy = "a function", f" If it makes one, call it in the file: app = {place.rpartition(':')[2]}()."
    raise ConfigurationError(f"{place} is {kind}, not an API and not an ASGI application.{remedy}")


# A file or package


def _made(code: Code, modules: Sequence[ModuleType]) -> Loaded | None:
    """Find the application, or the API, that somebody made."""
    app = _only(_named(modules, Starlette), "app", "applications", code)
    if app is not None:
        return _served(app, modules, code)
    api = _only(_named(modules, API), "api", "APIs", code)
    if api is not None:
        return Loaded(application(api, _title(code.name)), (api,), code)
    return None


def _tables_of(code: Code, modules: Sequence[ModuleType], read_only: bool) -> Loaded:
    """Make an API of the tables."""
    tables, strangers = _tables(modules)
    if not tables:
        raise ConfigurationError(_no_tables(code, modules))
    api = API(*tables, database=f"sqlite:///{code.name}.db", own=False, read_only=read_only)
    return Loaded(application(api, _title(code.name)), (api,), code, tuple(strangers))


def _named(modules: Sequence[ModuleType], kind: type[Any]) -> dict[str, Any]:
    """Find the objects of a kind at the top level of modules, each once, by `module:name`."""
    found: dict[int, tuple[str, Any]] = {}
    for module in modules:
        for name, value in vars(module).items():
            if isinstance(value, kind):
                found.setdefault(id(value), (f"{module.__name__}:{name}", value))
    return dict(found.values())


def _only(found: dict[str, Any], preferred: str, kind: str, code: Code) -> Any | None:
    """Choose the only object, or the only one of the preferred name."""
    if len(found) > 1:
        called = {place: value for place, value in found.items() if place.endswith(f":{preferred}")}
        if len(called) != 1:
            raise ConfigurationError(f"{path_shown(code.path)} holds several {kind}: name one of {', '.join(found)}.")
        found = called
    return next(iter(found.values()), None)


def _served(app: ASGIApp, modules: Sequence[ModuleType], seed: Code | None) -> Loaded:
    return Loaded(app, tuple(_named(modules, API).values()), seed)


def _tables(modules: Sequence[ModuleType]) -> tuple[list[type[Any]], list[str]]:
    """Find the mapped classes that modules define, in the order of definition; and say which classes only look so."""
    classes = [found for module in modules for found in _classes(module)]
    tables = [found for found in classes if _mapped(found)]
    metadata = dict.fromkeys(_local_table(found).metadata for found in tables)
    defined = [table for each in metadata for table in each.tables.values()]
    place = {table: number for number, table in enumerate(defined)}
    strangers = [
        f"{found.__name__} inherits from a table and is none itself, so it is not served."
        for found in classes
        if not _mapped(found) and any(map(_mapped, found.__mro__))
    ]
    return sorted(tables, key=lambda found: place.get(_local_table(found), len(place))), strangers


def _classes(module: ModuleType) -> list[type[Any]]:
    found = dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))
    return [value for value in found if value.__module__ == module.__name__]


def _mapped(found: type[Any]) -> bool:
    return isinstance(sa.inspect(found, raiseerr=False), Mapper)


def _local_table(found: type[Any]) -> Any:
    return sa.inspect(found).local_table


def _no_tables(code: Code, modules: Sequence[ModuleType]) -> str:
    place = path_shown(code.path)
    for value in (value for module in modules for value in vars(module).values()):
        if isinstance(value, type) and _mapped(value):
            name, elsewhere = value.__name__, value.__module__
            return f"{place} defines no tables. It imports {name} from '{elsewhere}': name that instead."
    return (
        f"{place} defines no tables, no API and no application. "
        "A table is a class with table=True, or one that SQLAlchemy maps."
    )


def _title(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().capitalize()
