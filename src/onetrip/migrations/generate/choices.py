"""What a revision may do, as somebody said: options of `onetrip db new`, `-x` arguments of Alembic's own command."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from onetrip.errors import ConfigurationError

CHOICES = "onetrip.choices"
"""Where `Choices` stand in the `attributes` of a `Config`, for a command that writes a revision."""

Ask = Callable[[str], bool]
"""Asks somebody at a terminal a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """`columns` are renames, `(table, old)` → new, `tables` those of tables; `fills` are values for rows that exist.

    `said` is how an option is written, with `{}` for its name; without `ask` nobody can be asked.
    """

    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    fills: Mapping[tuple[str, str], str] = field(default_factory=dict)
    allow_drop: bool = False
    said: str = "--{}"
    ask: Ask | None = None

    def asked_by(self, ask: Ask) -> "Choices":
        """Let another ask."""
        return replace(self, ask=ask)

    def option(self, name: str, value: str = "") -> str:
        """Write an option, as it would have to be given: `--rename user.name:title`, `-x rename=user.name:title`."""
        sign = "=" if self.said.startswith("-x") else " "
        return self.said.format(name) + (f"{sign}{value}" if value else "")


def parse_choices(
    *,
    rename: Iterable[str] = (),
    rename_table: Iterable[str] = (),
    fill: Iterable[str] = (),
    allow_drop: bool = False,
    said: str = "--{}",
    ask: Ask | None = None,
) -> Choices:
    """Read options as they were written. Raises `ConfigurationError` for one that cannot be read."""
    renames = [_split(text, ":", "rename", "table.old:new") for text in rename]
    fills = [_split(text, "=", "fill", "table.column=value") for text in fill]
    return Choices(
        columns={_column(old, "rename", "table.old:new"): new for old, new in renames},
        tables=dict(_split(text, ":", "rename-table", "old:new") for text in rename_table),
        fills={_column(place, "fill", "table.column=value"): value for place, value in fills},
        allow_drop=allow_drop, said=said, ask=ask,
    )  # fmt: skip


def parse_arguments(arguments: Iterable[str]) -> Choices:
    """Read the `-x` arguments of Alembic's own command. Raises `ConfigurationError` for one that is not known."""
    given: dict[str, list[str]] = {"rename": [], "rename-table": [], "fill": [], "allow-drop": []}
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name not in given:
            raise ConfigurationError(f"There is no '-x {name}': known are {', '.join(given)}.")
        given[name].append(value)
    return parse_choices(
        rename=given["rename"], rename_table=given["rename-table"], fill=given["fill"],
        allow_drop=bool(given["allow-drop"]), said="-x {}",
    )  # fmt: skip


def _split(text: str, sign: str, option: str, form: str) -> tuple[str, str]:
    before, found, after = text.partition(sign)
    if not before or not found or (not after and option != "fill"):
        raise ConfigurationError(f"'{text}' cannot be read: {option} is written {form}.")
    return before, after


def _column(text: str, option: str, form: str) -> tuple[str, str]:
    table, _, column = text.rpartition(".")
    if not table or not column:
        raise ConfigurationError(f"'{text}' names no column of a table: {option} is written {form}.")
    return table, column
