"""What tests of revisions need: a project in a folder of its own, its models as they were and as they are."""

import re
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from onetrip.cli.revising import New, new
from onetrip.db.url import parse_url
from onetrip.migrations.data.run import Options as DataOptions
from onetrip.migrations.naming import CONVENTION
from onetrip.migrations.project import Project
from onetrip.migrations.run import OPTIONS, Options
from onetrip.migrations.template import initialize
from tests.support.databases import Backend


def models() -> sa.MetaData:
    """The metadata of some models."""
    return sa.MetaData(naming_convention=CONVENTION)


@dataclass
class Revisions:
    """A project with migrations, in a folder and a database of its own."""

    folder: Path
    backend: Backend

    def __post_init__(self) -> None:
        initialize(self.folder)

    def project(self, metadata: sa.MetaData) -> Project:
        return Project(folder=self.folder, metadata=(metadata,), url=parse_url(self.backend.url))

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / "alembic" / "versions").glob("*.py"), key=self._place)

    def _place(self, file: Path) -> int:
        """Number a revision by its place in the history."""
        script = self.project(models()).script()
        known = [revision.revision for revision in script.walk_revisions()]
        return -next(number for number, revision in enumerate(known) if revision in file.name)

    def new(self, metadata: sa.MetaData, **options: object) -> list[str]:
        """Write revisions, and answer what was written: their text."""
        known = set(self.files)
        new(self.project(metadata), New(message="change", **options))  # type: ignore[arg-type]
        return [file.read_text(encoding="utf-8") for file in self.files if file not in known]

    def begin(self, metadata: sa.MetaData) -> None:
        """Create the tables of models, by a revision."""
        self.new(metadata)
        self.up(metadata)

    def up(self, metadata: sa.MetaData, revision: str = "head") -> None:
        """Apply revisions, with the data migrations that they need."""
        command.upgrade(self._config(metadata, Options(data=DataOptions(pause=0))), revision)

    def down(self, metadata: sa.MetaData, revision: str = "-1") -> None:
        """Take revisions back, whatever is lost."""
        command.downgrade(self._config(metadata, Options(lossy=True)), revision)

    def _config(self, metadata: sa.MetaData, options: Options) -> Config:
        config = self.project(metadata).config()
        config.attributes[OPTIONS] = options
        return config

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements, and answer the rows of the last one."""
        engine = self.backend.engine()
        with engine.begin() as connection:
            results = [connection.exec_driver_sql(statement) for statement in statements]
            rows = [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
        engine.dispose()
        return rows


def body(script: str) -> str:
    """The two functions of a revision, and what cannot be taken back."""
    found = re.sub(r"^.*?\n(?=irreversible = )", "", script, count=1, flags=re.DOTALL)
    return re.sub(r'(?<=[ (]")[0-9a-f]{12}(?=")', "…", found)
