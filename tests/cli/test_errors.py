"""What cannot be served ends with one sentence on stderr and a non-zero exit code, without a traceback."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli import projects
from tests.cli.conftest import Command
from tests.cli.serving import run, write
from tests.support.databases import Server

FILES = {
    "models.py": projects.TABLES,
    "broken.py": "import missing_module\n",
    "unrelated.py": projects.TABLES.replace('foreign_key="zoo.id"', "index=True"),
    "nothing.py": "x = 1\n",
    "api.py": "from models import Zoo\nfrom onetrip import API\napi = API(Zoo, database='sqlite:///zoo.db')\n",
}


def sentence(errors: str) -> str:
    """The one sentence; lines before it say what was being done."""
    assert "Traceback" not in errors
    *_, last = errors.splitlines()
    assert last.startswith("Error: ")
    assert errors.count("Error") == 1 + last.removeprefix("Error").count("Error")
    return last.removeprefix("Error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "There is nothing to serve: name a file of tables, an application or a database"),
        (["modles.py"], "There is no 'modles.py'. Did you mean 'models.py'?"),
        (["modles"], "There is no module or folder 'modles'. Did you mean 'models'?"),
        (["models:zoo"], "models.py has no 'zoo'. Did you mean 'Zoo'?"),
        (["broken.py"], "broken.py:1: No module named 'missing_module'."),
        (["nothing.py"], "nothing.py defines no tables, no API and no application."),
        (["unrelated.py"], "Zoo.animals: no foreign key joins the tables 'zoo' and 'animal'."),
        (["sqlite:///nothing.db"], "There is no database file 'nothing.db'."),
        (["sqlite:///models.py"], "The database sqlite:///models.py refused: file is not a database."),
        (["sqlite://"], "There is no table to serve in sqlite://."),
        (["sqlite://models.db"], "A SQLite URL has three slashes before a relative path"),
        (
            ["models.py", "--database", "sqlite:///no/folder/zoo.db"],
            "The database sqlite:///no/folder/zoo.db cannot be reached: there is no folder 'no/folder'.",
        ),
        (
            ["models.py", "--database", "postgresql://ada:secret@127.0.0.1:1/zoo"],
            "The database postgresql://ada:***@127.0.0.1:1/zoo cannot be reached: Connect call failed",
        ),
        (["models.py", "--database", "mysql://127.0.0.1/zoo"], "--database: The database 'mysql' is not supported"),
        (["sqlite://", "--database", "sqlite://"], "The target sqlite:// is a database already: leave --database out"),
        (
            ["api.py:api", "--read-only"],
            "--read-only is for tables and for databases. What api.py serves is said there: API(…, read_only=True).",
        ),
        (["api.py", "--read-only"], "--read-only is for tables and for databases. What api.py serves is said there"),
        (["sqlite://", "--reload"], "--reload watches Python files, and a database has none: leave it out."),
        (["models.py", "--host", "no.such.host.invalid"], "--host no.such.host.invalid: there is no such host."),
        (["models.py", "--host", "192.0.2.1"], "Nothing can listen on 192.0.2.1, port 0: "),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    command: Command, here: Path, arguments: list[str], message: str
) -> None:
    """Targets, code, databases and addresses that are wrong."""
    write(here, FILES)
    finished = command("serve", *arguments, "--port", "0")
    assert finished.code == 1
    assert sentence(finished.errors).startswith(message)
    assert finished.output == ""
    assert not list(here.glob("*.db"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--port", "99999"], "Invalid value for '--port': "),
        (["serve", "--port", "-1"], "Invalid value for '--port': "),
        (["serve", "--port", "http"], "Invalid value for '--port': "),
        (["serve", "--prot", "1"], "No such option: --prot"),
        (["srve"], "No such command 'srve'. Did you mean 'serve'? See 'onetrip serve --help'."),
    ],
)
def test_a_wrong_option_is_one_sentence(command: Command, arguments: list[str], message: str) -> None:
    """Options and commands that do not exist, and ports that are none."""
    finished = command(*arguments)
    assert finished.code == 2
    assert sentence(finished.errors).startswith(message)


def test_a_port_in_use_is_said_before_anything_is_created(command: Command, here: Path) -> None:
    """The address is taken first, the database touched later."""
    write(here, FILES)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = command("serve", "models.py", "--port", str(port))
    expected = f"Port {port} of 127.0.0.1 is in use by another program. Choose another with --port."
    assert (finished.code, sentence(finished.errors)) == (1, expected)
    assert not (here / "models.db").exists()


def test_a_database_that_does_not_exist(command: Command, server: Server) -> None:
    """PostgreSQL's own words, on one line."""
    finished = command("serve", server.url("nowhere"), "--port", "0")
    assert sentence(finished.errors).endswith('cannot be reached: database "nowhere" does not exist.')


def test_help_and_version(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--help` shows every kind of target with examples; `--version` is one line."""
    monkeypatch.setenv("COLUMNS", "100")
    shown = command("serve", "--help")
    assert shown.code == 0
    for text in ("models.py", "shop.main:app", "sqlite:///chinook.sqlite", "--database", "--reload", "Examples"):
        assert text in shown.output
    version = command("--version")
    assert version.code == 0
    assert version.output.startswith("onetrip ") and version.output.count("\n") == 1


def test_no_command_shows_the_commands(command: Command) -> None:
    """Without arguments the help is printed, and the exit code is that of a wrong option."""
    finished = command()
    assert finished.code == 2
    assert "Usage: onetrip" in finished.output and "serve" in finished.output
    assert finished.errors == ""


def test_debug_keeps_the_exception(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--debug`, or `ONETRIP_DEBUG=1`, lets through what the sentence leaves out."""
    from onetrip.cli.main import run as run_here

    write(here, FILES)
    monkeypatch.setattr(sys, "argv", ["onetrip", "serve", "broken.py", "--port", "0", "--debug"])
    with pytest.raises(Exception, match="missing_module"):
        run_here()
    monkeypatch.setattr(sys, "argv", ["onetrip", "serve", "broken.py", "--port", "0"])
    monkeypatch.setenv("ONETRIP_DEBUG", "1")
    with pytest.raises(Exception, match="missing_module"):
        run_here()


# In a process of its own


@pytest.mark.parametrize(
    ("files", "arguments", "variables", "message"),
    [
        ({}, ["modles.py"], {}, "There is no 'modles.py'."),
        (FILES, ["broken.py"], {}, "broken.py:1: No module named 'missing_module'."),
        (
            {"blocked/sitecustomize.py": "import sys\nsys.modules['asyncpg'] = None\n"} | FILES,
            ["models.py", "--database", "postgresql://127.0.0.1/zoo"],
            {"PYTHONPATH": ":".join(["blocked", *(path for path in sys.path if path)])},
            "PostgreSQL needs the driver 'asyncpg', which is not installed: pip install 'onetrip[postgres]'",
        ),
    ],
    ids=["target", "code", "driver"],
)
def test_the_command_fails_as_it_does_here(
    tmp_path: Path, files: Mapping[str, str], arguments: list[str], variables: dict[str, str], message: str
) -> None:
    """`python -m onetrip` ends with the sentence and a non-zero exit code."""
    write(tmp_path, files)
    finished = run("serve", *arguments, "--port", "0", folder=tmp_path, **variables)
    assert finished.returncode == 1
    assert sentence(finished.stderr).startswith(message)
    assert finished.stdout == ""
