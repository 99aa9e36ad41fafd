"""What a query string says, before anyone knows whether it makes sense.

A `Query` names things as the client named them; `plan` decides what they are. It is frozen and holds no values that
change from request to request: those are `Slot`s, so one `Query` stands for every request of the same shape.
Standard library only.
"""

from dataclasses import dataclass
from typing import Literal

Path = tuple[str, ...]
"""A dotted name, split: `author.name` is `("author", "name")`."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that each request brings along: its place in the tuple of values."""

    index: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is part of the shape, because it decides which statement runs: `is_null`, `exists`."""

    text: str


Operand = Slot | Constant


@dataclass(frozen=True, slots=True)
class Compare:
    """`path__operator=operand`; a bare `path=operand` is `eq`.

    `parameter` is the name as it was written, `within` are the names of the parentheses around it.
    """

    path: Path
    operator: str
    operands: tuple[Operand, ...]
    parameter: str
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class And:
    """All of the conditions hold."""

    of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the conditions holds."""

    of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    of: "Condition"


@dataclass(frozen=True, slots=True)
class Some:
    """One row at the end of the relation meets the whole condition: `comments=(approved=true,author_id=7)`.

    Only `plan` knows whether `parameter` is a relation. If it is a column, its value is `whole`, parentheses included;
    then it does not matter that what is in them makes no sense, which `problem` says.
    """

    parameter: str
    of: "Condition | None"
    whole: Slot | None = None
    problem: str | None = None
    within: tuple[str, ...] = ()


Condition = Compare | And | Or | Not | Some


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of `sort`: `-created_at`, `author.name:nullslast`."""

    path: Path
    descending: bool = False
    nulls: Literal["first", "last"] | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """One relation of `include`, with what is asked of its rows."""

    name: str
    query: "Query"


@dataclass(frozen=True, slots=True)
class Upsert:
    """`on_conflict=email&update=username,bio`: the unique key by which a row is found, and what changes of it.

    `None` stands for whatever the body gives, no name at all for nothing.
    """

    key: tuple[str, ...]
    update: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A whole query string, or the options of one embed. `None` means that the parameter was not given."""

    where: tuple[Condition, ...] = ()
    sort: tuple[SortKey, ...] | None = None
    limit: Operand | None = None
    offset: Operand | None = None
    after: Operand | None = None
    before: Operand | None = None
    count: Literal["none", "exact", "estimated"] | None = None
    include: tuple[Embed, ...] = ()
    fields: tuple[Path, ...] | None = None
    search: Operand | None = None
    upsert: Upsert | None = None
