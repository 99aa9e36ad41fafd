"""What files and databases are called when people read it: as short as can be said from the current folder."""

from pathlib import Path

from sqlalchemy.engine import URL

from onetrip.db.url import shown


def path_shown(path: Path) -> str:
    """Write a path relative to the current folder, if it lies in it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def url_shown(url: URL) -> str:
    """Write a URL without its password, the path of a file as `path_shown`."""
    if url.drivername == "sqlite" and url.database:
        url = url.set(database=path_shown(Path(url.database)))
    return shown(url)
