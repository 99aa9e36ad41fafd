"""`Shape` → `AggregateQuery`: what `:aggregate` is asked, beside the filters that lists have.

Only syntax is judged here: whether a name exists and has such an aggregate is for `plan`. Standard library only.
"""

from dataclasses import dataclass, replace
from typing import Literal

from onetrip.errors import Invalid
from onetrip.query.ast import Condition, Operand, Path, Slot
from onetrip.query.parser import NULLS, conditions, dotted, items, parse
from onetrip.query.split import PARAMETERS, TREES, Parenthesised, Shape, Written
from onetrip.query.tree import Entry, Group

FUNCTIONS = ("count", "sum", "avg", "min", "max")
"""Parameters that name an aggregate of columns."""

HAVING = "having"

STRUCTURAL = frozenset({"group", "sort", *FUNCTIONS})
"""Parameters whose text is shape."""

PARAMETERS_OF_GROUPS = STRUCTURAL | {HAVING, "limit", "offset"} | TREES
"""Parameters that are not filters."""

OF_ROWS = ("fields", "include", "after", "before")


@dataclass(frozen=True, slots=True)
class GroupKey:
    """`author.username`, `created_at:month`: what rows of one group have in common."""

    path: Path
    bucket: str | None = None

    @property
    def name(self) -> str:
        """The key in the answer."""
        return ".".join(self.path) + (f":{self.bucket}" if self.bucket is not None else "")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`sum=views`; no path counts rows."""

    function: str
    path: Path = ()

    @property
    def name(self) -> str:
        """The key in the answer."""
        return ".".join((self.function, *self.path))


@dataclass(frozen=True, slots=True)
class GroupSort:
    """One key of `sort`: a name of the answer."""

    name: str
    descending: bool = False
    nulls: Literal["first", "last"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateQuery:
    """A whole query string; without a group, all rows are one."""

    where: tuple[Condition, ...] = ()
    search: Operand | None = None
    groups: tuple[GroupKey, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    having: tuple[Condition, ...] = ()
    sort: tuple[GroupSort, ...] = ()
    limit: Operand | None = None
    offset: Operand | None = None


def filter_name(column: str) -> str:
    """Answer the parameter that filters a column by equality: `author_id`, but `sum__eq` for one called `sum`."""
    return f"{column}__eq" if column in PARAMETERS_OF_GROUPS | PARAMETERS else column


def parse_aggregate(shape: Shape) -> AggregateQuery:
    """Parse a shape. When it asks for nothing, it asks how many rows there are.

    Raises `Invalid`, naming the parameter, for text that is not of the grammar, and for parameters of lists of rows.
    """
    given = dict(shape)
    for name in OF_ROWS:
        if name in given:
            hint = "Say what the groups are by 'group', 'count', 'sum', 'avg', 'min' and 'max'; pages by 'offset'."
            message = f"'{name}' is for rows; here the answer is of groups."
            raise Invalid.at(("query", name), message, "unknown_parameter", hint)
    texts = {name: value for name, value in given.items() if name in STRUCTURAL and isinstance(value, str)}
    rest = parse(tuple((name, value) for name, value in shape if name not in texts and name != HAVING))
    groups = tuple(map(_group_key, items("group", texts["group"]))) if "group" in texts else ()
    aggregates = tuple(
        _aggregate(name, item) for name, text in texts.items() if name in FUNCTIONS for item in items(name, text)
    )
    return AggregateQuery(
        where=rest.where,
        search=rest.search,
        groups=groups,
        aggregates=aggregates or (() if groups else (Aggregate("count"),)),
        having=_having(given[HAVING]) if HAVING in given else (),
        sort=tuple(map(_sort, items("sort", texts["sort"]))) if "sort" in texts else (),
        limit=rest.limit,
        offset=rest.offset,
    )


def _group_key(item: str) -> GroupKey:
    name, colon, bucket = item.partition(":")
    return GroupKey(dotted("group", name), bucket if colon else None)


def _aggregate(function: str, item: str) -> Aggregate:
    return Aggregate(function, () if (function, item) == ("count", "*") else dotted(function, item))


def _sort(item: str) -> GroupSort:
    name, _, placement = item.removeprefix("-").rpartition(":")
    if name and placement in NULLS:
        return GroupSort(name, item.startswith("-"), NULLS[placement])
    return GroupSort(item.removeprefix("-"), item.startswith("-"))


def _having(written: Written) -> tuple[Condition, ...]:
    """Read the conditions on groups."""
    if isinstance(written, Parenthesised) and written.group is not None:
        return conditions(_named_by_operator(written.group), (HAVING,))
    problem = written.problem if isinstance(written, Parenthesised) else "needs conditions in parentheses"
    raise Invalid.at(
        ("query", HAVING), f"'{HAVING}' {problem}.", "syntax", "Write having=(count__gt=2,sum.views__gte=10)."
    )


def _named_by_operator(group: Group) -> Group:
    """Write `count=3` as `count__eq=3`: in the answer, it is no parameter."""

    def named(entry: Entry) -> Entry:
        if isinstance(entry.value, Group):
            return replace(entry, value=_named_by_operator(entry.value))
        is_value = isinstance(entry.value, Slot) and entry.name in PARAMETERS - TREES
        return replace(entry, name=f"{entry.name}__eq") if is_value else entry

    return Group(tuple(map(named, group.entries)))
