"""What is printed at start: on a terminal and elsewhere, for APIs that stand in an application in any way."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from onetrip import API, ConfigurationError
from onetrip.cli.create import Prepared
from onetrip.cli.load import Loaded
from onetrip.cli.report import Started, Work, one_sentence, report
from tests.support import blog

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def printed(
    capsys: pytest.CaptureFixture[str], app: Any, *apis: API, prepared: Sequence[Prepared] = (), **more: Any
) -> list[str]:
    """The lines of a report, without colours."""
    report(Started("blog.py", "http://127.0.0.1:8000", Loaded(app, apis, **more), prepared))
    return [line for line in COLOURS.sub("", capsys.readouterr().out).splitlines() if line]


def blog_api(**options: Any) -> API:
    return API(blog.User, blog.Post, blog.Comment, **(options or {"database": "sqlite://"}))


def test_an_api_is_found_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """Its paths are shown with every prefix on the way."""
    api = blog_api()
    outer, inner, nested = FastAPI(), FastAPI(), APIRouter()
    nested.include_router(api.router, prefix="/inner")
    inner.include_router(nested, prefix="/outer")
    outer.mount("/below", inner)
    wrapped = Starlette(routes=[Mount("/around", app=outer)])
    assert "Resources  /around/below/outer/inner/users     posts, comments" in printed(capsys, wrapped, api)


def test_an_api_that_is_not_part_of_the_application_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """An API that was never included answers nothing, and the report says what is missing."""
    (line,) = (line for line in printed(capsys, FastAPI(), blog_api()) if line.startswith("Resources"))
    assert (
        line
        == "Resources  none: the API is not part of the application, as app.include_router(api.router) would make it"
    )


def test_an_application_of_any_framework_has_no_details(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not FastAPI has no documentation that we know of."""

    async def bare(scope: Any, receive: Any, send: Any) -> None: ...

    assert printed(capsys, bare)[1:] == ["Serving on http://127.0.0.1:8000. Ctrl-C stops."]


def test_an_engine_of_the_code_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """A database that the code connected itself was not looked at."""
    lines = printed(capsys, FastAPI(), blog_api(engine=sa.create_engine("sqlite:///blog.db")))
    assert "Database   sqlite:///blog.db, through the engine that the code made" in lines


def test_a_terminal_gets_wrapped_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Long values continue under themselves; elsewhere lines are whole, so that they can be searched."""
    api = blog_api()
    remark = "a remark that is longer than such a narrow terminal is wide, and goes on"
    assert f"           {remark}" in printed(capsys, FastAPI(), api, remarks=(remark,))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "50")
    lines = printed(capsys, FastAPI(), api, remarks=(remark,), prepared=[Prepared(api.database, 3, 12, 0.25)])
    at = lines.index("           a remark that is longer than such a")
    assert lines[at + 1 : at + 3] == [
        "           narrow terminal is wide, and goes on",
        "Docs       http://127.0.0.1:8000/docs",
    ]
    assert "           created now: 3 tables and 12 rows from" in lines


def test_long_work_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal sees numbers move; elsewhere each kind of work is one line."""

    def work(*numbers: int) -> str:
        with Work() as shown:
            for number in numbers:
                shown.reading("reading", number, 3)
            for number in numbers:
                shown.working("Seeding", number * 1000)
        return COLOURS.sub("", capsys.readouterr().err)

    assert work(0, 1, 2) == "Reading tables …\nSeeding …\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "Seeding: 2,000 rows" in work(2)
    with Work() as shown:
        shown.reading("mapping", 2, 3)
    assert "Mapping tables: 2 of 3" in COLOURS.sub("", capsys.readouterr().err)


def test_an_exception_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Refusals speak for themselves; anything else says that it was not expected, and how to see more."""
    for error, said in (
        (ConfigurationError("There is no such thing."), "Error: There is no such thing.\n"),
        (
            KeyError("id"),
            "Error: Something unexpected happened: KeyError: 'id'. With --debug you see where.\n",
        ),
    ):
        with pytest.raises(SystemExit) as caught, one_sentence(debug=False):
            raise error
        assert caught.value.code == 1
        assert capsys.readouterr().err == said
        with pytest.raises(type(error)), one_sentence(debug=True):
            raise error
