"""`onetrip serve`: listen, load, prepare, report, serve; once, or again after every change of a file.

The socket is opened first, so that nothing is created when the port is taken, and requests that come too early wait.
"""

import asyncio
import errno
import logging
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.supervisors import ChangeReload

from onetrip.app import API, DATABASE_VARIABLE
from onetrip.cli.create import Prepared, prepare
from onetrip.cli.load import Loaded, load
from onetrip.cli.managed import managed, name_managed
from onetrip.cli.places import url_shown
from onetrip.cli.report import Started, Work, one_sentence, report
from onetrip.cli.target import DatabaseTarget, Target
from onetrip.db.url import parse_url
from onetrip.errors import ConfigurationError

if TYPE_CHECKING:
    from onetrip.migrations.project import Project

_EVERYWHERE = ("0.0.0.0", "::")
_LONGEST_PATH = 300


def _nothing(apis: Iterable[API], project: "Project | None") -> None:
    """Offer nothing, as in a process whose parent did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line, the environment and `pyproject.toml` say together. `called` is the target's name.

    `offer` is asked once, with the migrations of the target, before its database is prepared.
    """

    called: str
    target: Target
    database: str | None
    host: str
    port: int
    read_only: bool
    reload: bool
    quiet: bool
    debug: bool
    offer: "Callable[[Iterable[API], Project | None], None]" = _nothing


def serve(options: Options) -> None:
    """Serve until a signal ends it. Raises `ConfigurationError` for whatever stands in the way."""
    if options.reload and isinstance(options.target, DatabaseTarget):
        raise ConfigurationError("--reload watches Python files, and a database has none: leave it out.")
    listening = listen(options.host, options.port)
    if options.database is not None:
        os.environ[DATABASE_VARIABLE] = options.database  # where an API looks first, also one in the user's code
    with listening:
        if not options.reload:
            _serve_once(options, [listening])
        elif not isinstance(options.target, DatabaseTarget):
            _offer_before(options)
            folders = [str(options.target.code.folder)]
            config = uvicorn.Config("onetrip", reload=True, reload_dirs=folders, log_config=_logging(options))
            served = replace(options, offer=_nothing)
            ChangeReload(config, target=partial(_serve_in_child, served), sockets=[listening]).run()


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Raises `ConfigurationError` when the address or the port cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigurationError(f"--host {host}: there is no such host.") from error
    family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    try:
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} of {host} is in use by another program. Choose another with --port."
        elif error.errno == errno.EACCES:
            message = f"This user may not listen on port {port}. Choose one above 1023 with --port."
        else:
            message = f"Nothing can listen on {host}, port {port}: {os.strerror(error.errno or 0)}."
        raise ConfigurationError(message) from error


def _serve_in_child(options: Options, sockets: list[socket.socket] | None) -> None:
    """Serve in the process that is replaced when a file changes. What is wrong is said, and the next change awaited."""
    with one_sentence(options.debug):
        _serve_once(options, sockets or [])


def _offer_before(options: Options) -> None:
    """Offer migrations before there are processes to be replaced. Code that cannot be served is for them to say."""
    try:
        loaded = _load(options)
        project = managed(options.target, loaded.apis)
    except ConfigurationError:
        return
    options.offer(loaded.apis, project)


def _load(options: Options) -> Loaded:
    name_managed(options.target)
    with Work() as work:
        return load(options.target, work.reading, read_only=options.read_only)


def _prepare(loaded: Loaded, project: "Project | None") -> list[Prepared]:
    with Work() as work:
        if project is None or not project.script().get_heads():
            return asyncio.run(prepare(loaded, work.working))
        from onetrip.cli import by_revisions  # Alembic, which costs time to import

        return asyncio.run(by_revisions.prepare(loaded, work.working, project))


def _serve_once(options: Options, sockets: list[socket.socket]) -> None:
    logging.getLogger("onetrip").addHandler(logging.NullHandler())  # until it serves, what fails is said once
    loaded = _load(options)
    project = managed(options.target, loaded.apis)
    options.offer(loaded.apis, project)
    prepared = _prepare(loaded, project)
    everywhere = options.host in _EVERYWHERE
    host = "127.0.0.1" if everywhere else options.host
    url = f"http://{f'[{host}]' if ':' in host else host}:{sockets[0].getsockname()[1]}"
    watched = _watched(options.target) if options.reload else None
    loaded = replace(loaded, remarks=(*loaded.remarks, *_unused(options, loaded)))
    started = Started(options.called, url, loaded, prepared, everywhere=everywhere, watched=watched)
    config = uvicorn.Config(loaded.app, log_config=_logging(options), access_log=not options.quiet, server_header=False)
    server = _Server(config, ready=lambda: report(started))
    try:
        server.run(sockets)
    except KeyboardInterrupt:  # uvicorn raises it again when everything is closed
        print()


def _unused(options: Options, loaded: Loaded) -> Iterator[str]:
    """Say when a database was named and nothing takes it."""
    if options.database is not None and all(api.database.given is not None for api in loaded.apis):
        name = url_shown(parse_url(options.database))
        yield f"No API takes its database from outside, so {name} is used only by code that reads {DATABASE_VARIABLE}."


def _watched(target: Target) -> str | None:
    if isinstance(target, DatabaseTarget):
        return None
    folder, here = target.code.folder, Path.cwd()
    return f"{folder.relative_to(here.parent) if folder.is_relative_to(here) else folder}/"


class _Server(uvicorn.Server):
    """A server that says when it is ready, and not before."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()


# What uvicorn says


class AccessFormatter(logging.Formatter):
    """One short line a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the time, the status, the method and the path."""
        _, method, path, _, status = record.args  # type: ignore[misc]
        shown = str(path) if len(str(path)) <= _LONGEST_PATH else f"{str(path)[:_LONGEST_PATH]}…"
        return f"{self.formatTime(record, '%H:%M:%S')}  {status}  {method} {shown}"


class StartupFilter(logging.Filter):
    """Leaves of the traceback of an application that did not start what it says in the end."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten a record that is nothing but a traceback."""
        if isinstance(record.msg, str) and record.msg.startswith("Traceback"):
            lines = record.msg.strip().splitlines()
            places = re.findall(r'File "([^"]+)", line (\d+)', record.msg)
            place = f"{places[-1][0]}:{places[-1][1]}: " if places else ""
            record.msg = f"Error: {place}{lines[-1]}. With --debug you see more."
        return True


def _logging(options: Options) -> dict[str, Any]:
    filters: list[str] = [] if options.debug else ["startup"]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"startup": {"()": StartupFilter}},
        "formatters": {"plain": {"format": "%(message)s"}, "access": {"()": AccessFormatter}},
        "handlers": {
            "errors": {
                "class": "logging.StreamHandler", "formatter": "plain", "filters": filters, "stream": "ext://sys.stderr",
            },
            "access": {"class": "logging.StreamHandler", "formatter": "access", "stream": "ext://sys.stdout"},
        },
        "loggers": {
            "uvicorn": {"handlers": ["errors"], "level": "WARNING", "propagate": False},
            "uvicorn.error": {"level": "WARNING"},
            "uvicorn.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
            "onetrip": {"handlers": ["errors"], "propagate": False},  # its level is a setting
        },
    }  # fmt: skip
