"""What was left out on the command line comes from the environment, then from `pyproject.toml`."""

from pathlib import Path

import pytest

from onetrip.cli.configuration import Settings, choose_database, choose_target, read_settings
from onetrip.cli.target import DatabaseTarget, ModuleTarget, parse_target
from onetrip.errors import ConfigurationError

PYPROJECT = "[tool.onetrip]\napp = 'models.py'\ndatabase = 'sqlite:///settings.db'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("models.py", "other.py"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ONETRIP_APP", raising=False)
    return tmp_path


def test_the_target_of_the_command_line_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command line, then `ONETRIP_APP`, then `app` in `pyproject.toml`."""
    settings = Settings(app="models.py")
    assert choose_target(None, settings)[0] == "models.py"
    monkeypatch.setenv("ONETRIP_APP", "other.py")
    assert choose_target(None, settings)[0] == "other.py"
    assert choose_target("models.py", settings)[0] == "models.py"


def test_the_database_of_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Command line, then `ONETRIP_DATABASE_URL`, then `database` in `pyproject.toml`, then the code."""
    target = parse_target("models.py")
    settings = Settings(database="sqlite:///settings.db")
    assert choose_database(None, target, Settings()) is None
    assert choose_database(None, target, settings) == "sqlite:///settings.db"
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "sqlite:///environment.db")
    assert choose_database(None, target, settings) == "sqlite:///environment.db"
    assert choose_database("sqlite:///option.db", target, settings) == "sqlite:///option.db"


def test_a_database_as_target_is_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment does not replace the database that was named; its password is kept, and not shown."""
    monkeypatch.setenv("ONETRIP_DATABASE_URL", "sqlite:///environment.db")
    called, target = choose_target("postgresql://ada:secret@localhost/shop", Settings())
    assert called == "postgresql://ada:***@localhost/shop"
    assert choose_database(None, target, Settings()) == "postgresql://ada:secret@localhost/shop"
    with pytest.raises(
        ConfigurationError, match=r"The target postgresql://ada:\*\*\*@localhost/shop is a database already"
    ):
        choose_database("sqlite:///option.db", target, Settings())


def test_settings_are_read_from_the_current_folder(folder: Path) -> None:
    """`[tool.onetrip]` in `pyproject.toml` holds `app` and `database`; without the file there are none."""
    assert read_settings() == Settings()
    (folder / "pyproject.toml").write_text(PYPROJECT)
    settings = read_settings()
    assert settings == Settings(app="models.py", database="sqlite:///settings.db")
    assert isinstance(choose_target(None, settings)[1], ModuleTarget)
    assert not isinstance(choose_target(None, settings)[1], DatabaseTarget)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.onetrip\n", "pyproject.toml cannot be read: "),
        (
            "[tool.onetrip]\napps = 'models.py'\n",
            "pyproject.toml: there is no 'apps' under [tool.onetrip]. Did you mean 'app'?",
        ),
        (
            "[tool.onetrip]\nworkers = 2\n",
            "pyproject.toml: there is no 'workers' under [tool.onetrip]. Known are app and database.",
        ),
        ("[tool.onetrip]\napp = 1\n", "pyproject.toml: 'app' under [tool.onetrip] is a text in quotes."),
    ],
)
def test_settings_that_cannot_be_read_are_refused(folder: Path, text: str, message: str) -> None:
    """A setting that does not exist is not ignored."""
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings()
    assert str(caught.value).startswith(message)


def test_an_error_says_where_the_text_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong target or URL from a variable or a file names its origin."""
    with pytest.raises(ConfigurationError, match="There is nothing to serve: name a file of tables"):
        choose_target(None, Settings())
    with pytest.raises(ConfigurationError, match=r"^\[tool.onetrip\] app: There is no 'modles.py'."):
        choose_target(None, Settings(app="modles.py"))
    monkeypatch.setenv("ONETRIP_APP", "othr.py")
    with pytest.raises(ConfigurationError, match=r"^ONETRIP_APP: There is no 'othr.py'."):
        choose_target(None, Settings(app="models.py"))
    with pytest.raises(ConfigurationError, match=r"^--database: The database 'mysql' is not supported"):
        choose_database("mysql://localhost/shop", parse_target("models.py"), Settings())
