"""`Shape` → `Query`: the grammar of parameters, options and names.

Only syntax is judged here: whether a name exists and a value fits is for `plan`. Standard library only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from onetrip.errors import Invalid, Location
from onetrip.query.ast import (
    And,
    Compare,
    Condition,
    Constant,
    Embed,
    Not,
    Operand,
    Or,
    Path,
    Query,
    Slot,
    Some,
    SortKey,
    Upsert,
)
from onetrip.query.split import LISTS, OF_LISTS, PARAMETERS, TREES, Parenthesised, Shape, Written
from onetrip.query.tree import FLAGS, Group, Names, Step

MAX_NAMES = 32
"""Names in one dotted path: more than any plan admits, and less than a stack."""

COUNTS: dict[str, Literal["none", "exact", "estimated"]] = {
    "none": "none", "exact": "exact", "estimated": "estimated",
}  # fmt: skip
NULLS: dict[str, Literal["first", "last"]] = {"nullsfirst": "first", "nullslast": "last"}


def filter_name(column: str) -> str:
    """Answer the parameter that filters a column by equality: `author_id`, but `limit__eq` for one called `limit`."""
    return f"{column}__eq" if column in PARAMETERS else column


def parse(shape: Shape) -> Query:
    """Parse a shape into a `Query` whose operands are slots in the tuple of values.

    Raises `Invalid`, naming the parameter, for text that is not of the grammar.
    """
    return _query(shape, ())


def _query(parts: Sequence[tuple[str, Written]], within: tuple[str, ...]) -> Query:
    """Read the parameters of a request, or the options of an embed, which are `within` its name."""
    try:
        return _read(parts, within)
    except Invalid as error:
        placed = [replace(item, loc=_placed(item.loc, within)) for item in error.errors]
        raise Invalid.of(placed, error.hint) from None


def _placed(loc: Location, within: tuple[str, ...]) -> Location:
    """Say in which parentheses a parameter stands, where its own reader does not know."""
    return loc if loc[1 : len(within) + 1] == within else (*loc[:1], *within, *loc[1:])


def _read(parts: Sequence[tuple[str, Written]], within: tuple[str, ...]) -> Query:
    given = dict(parts)
    texts = {name: text for name, text in given.items() if isinstance(text, str)}
    return Query(
        where=tuple(_condition(name, value, within) for name, value in parts if _is_filter(name, value)),
        sort=_sort(texts["sort"]) if "sort" in texts else None,
        limit=Constant(texts["limit"]) if "limit" in texts else _single("limit", given, within),
        offset=_single("offset", given, within),
        after=_single("after", given, within),
        before=_single("before", given, within),
        count=_count(texts["count"]) if "count" in texts else None,
        search=_single("q", given, within),
        include=_include(given["include"], within) if "include" in given else (),
        fields=_paths("fields", texts["fields"]) if "fields" in texts else None,
        upsert=_upsert(texts) if not within else None,
    )


def _count(text: str) -> Literal["none", "exact", "estimated"]:
    if text not in COUNTS:
        message = "'count' must be 'none', 'exact' or 'estimated'."
        hint = "A column of this name is filtered by 'count__eq'."
        raise Invalid.at(("query", "count"), message, "value_error", hint)
    return COUNTS[text]


def _is_filter(name: str, value: Written) -> bool:
    """Say whether a parameter is a condition: text that is shape is none, but for that of flags."""
    if name in PARAMETERS:
        return name in TREES
    return name.endswith(FLAGS) or not isinstance(value, str)


def _single(name: str, given: Mapping[str, Written], within: tuple[str, ...]) -> Slot | None:
    """Answer where the value of `limit` is: in parentheses it is none that fits, and said to be by its parser.

    Raises `Invalid` for parentheses in those of an embed, where there is no value then.
    """
    value = given.get(name)
    if isinstance(value, Group):
        raise Invalid.at(("query", *within, name), f"'{name}' takes one value, without parentheses.", "syntax")
    return value.whole if isinstance(value, Parenthesised) else value if isinstance(value, Slot) else None


# Conditions


def _condition(name: str, value: Written, within: tuple[str, ...]) -> Condition:
    if name in TREES:
        if not isinstance(value, Group):
            raise Invalid.at(("query", *within, name), f"'{name}' needs conditions in parentheses.", "syntax")
        found = conditions(value, (*within, name))
        if name == "or":
            return Or(found)
        return And(found) if name == "and" else Not(found[0] if len(found) == 1 else And(found))
    if isinstance(value, Parenthesised):
        return _some(name, value, within)
    if isinstance(value, Group):
        if name.endswith(LISTS) or (name.endswith(OF_LISTS) and not any(entry.name for entry in value.entries)):
            return _compare(name, _values_of(value, (*within, name)), within)
        return Some(name, And(conditions(value, (*within, name))), within=within)
    if isinstance(value, str):
        return _compare(name, (Constant(value),), within)
    assert not isinstance(value, Names)  # only `include` has names
    return _compare(name, value if isinstance(value, tuple) else (value,), within)


def _some(name: str, value: Parenthesised, within: tuple[str, ...]) -> Some:
    """Read what may be conditions, or else text."""
    problem = f"'{name[:100]}' {value.problem}."
    if value.group is not None:
        try:
            return Some(name, And(conditions(value.group, (*within, name))), value.whole, within=within)
        except Invalid as error:
            problem = error.errors[0].msg
    return Some(name, None, value.whole, problem, within)


def conditions(group: Group, within: tuple[str, ...]) -> tuple[Condition, ...]:
    """Read the conditions between parentheses. Raises `Invalid` for what is none."""
    found = []
    for entry in group.entries:
        if not entry.name:
            message = f"'{within[-1][:100]}' has a part that is no condition."
            raise Invalid.at(("query", *within), message, "syntax", "Write name=value; quote a value with a comma.")
        if entry.name in PARAMETERS - TREES:
            message = f"'{entry.name}' does not stand in '{within[-1][:100]}'."
            hint = f"A column of this name is filtered by '{entry.name}__eq'."
            raise Invalid.at(("query", *within, entry.name), message, "syntax", hint)
        found.append(_condition(entry.name, entry.value, within))
    return tuple(found)


def _values_of(group: Group, within: tuple[str, ...]) -> tuple[Slot, ...]:
    """Read a list between parentheses."""
    if any(entry.name or not isinstance(entry.value, Slot) for entry in group.entries):
        message = f"'{within[-1][:100]}' has a part that is no value: write it in double quotes."
        raise Invalid.at(("query", *within), message, "syntax")
    return tuple(entry.value for entry in group.entries if isinstance(entry.value, Slot))


def _compare(parameter: str, operands: tuple[Operand, ...], within: tuple[str, ...]) -> Compare:
    name, separator, operator = parameter.rpartition("__")
    if not separator or not name:
        name, operator = parameter, "eq"
    return Compare(tuple(name.split(".")), operator, operands, parameter, within)


# Names


def items(parameter: str, text: str) -> list[str]:
    """Split the text of a list of names at its commas. Raises `Invalid` for one that is empty or stands twice."""
    found = [item.strip() for item in text.split(",")]
    if not text.strip():
        raise Invalid.at(("query", parameter), f"'{parameter}' is empty: name something, or leave it out.", "empty")
    if "" in found:
        raise Invalid.at(("query", parameter), f"'{parameter}' has a comma with no name beside it.", "syntax")
    if len(set(found)) < len(found):
        twice = next(item for item, count in Counter(found).items() if count > 1)
        raise Invalid.at(("query", parameter), f"'{twice[:100]}' stands in '{parameter}' twice.", "repeated")
    return found


def _upsert(texts: Mapping[str, str]) -> Upsert | None:
    if "on_conflict" not in texts:
        if "update" in texts:
            message = "'update' says what changes of a row that is there already, which 'on_conflict' finds."
            hint = "Add 'on_conflict' with the names of a unique key."
            raise Invalid.at(("query", "update"), message, "missing", hint)
        return None
    update = texts.get("update")
    if update is not None:
        return Upsert(_texts("on_conflict", texts["on_conflict"]), _texts("update", update) if update.strip() else ())
    return Upsert(_texts("on_conflict", texts["on_conflict"]))


def _texts(parameter: str, text: str) -> tuple[str, ...]:
    return tuple(items(parameter, text))


def _paths(parameter: str, text: str) -> tuple[Path, ...]:
    return tuple(dotted(parameter, item) for item in items(parameter, text))


def _sort(text: str) -> tuple[SortKey, ...]:
    return tuple(_sort_key(item) for item in items("sort", text))


def dotted(parameter: str, item: str) -> Path:
    """Split a dotted name. Raises `Invalid`."""
    path = tuple(item.split("."))
    if "" in path:
        raise Invalid.at(("query", parameter), f"'{item[:100]}' in '{parameter}' is not a name.", "syntax")
    if len(path) > MAX_NAMES:
        raise Invalid.at(("query", parameter), f"A path in '{parameter}' has more than {MAX_NAMES} names.", "too_deep")
    return path


def _sort_key(item: str) -> SortKey:
    name, colon, placement = item.removeprefix("-").partition(":")
    if colon and placement not in NULLS:
        raise Invalid.at(
            ("query", "sort"),
            f"':{placement[:100]}' in 'sort' is not known.",
            "syntax",
            "Use ':nullsfirst' or ':nullslast'.",
        )
    return SortKey(dotted("sort", name), item.startswith("-"), NULLS.get(placement))


def _include(written: Written, within: tuple[str, ...]) -> tuple[Embed, ...]:
    """Read the relations to embed, each with its options."""
    if isinstance(written, Names):
        return _embeds(written.paths, (*within, "include"))
    assert isinstance(written, str)
    return _embeds([tuple(map(Step, path)) for path in _paths("include", written)], (*within, "include"))


def _embeds(paths: Iterable[tuple[Step, ...]], within: tuple[str, ...]) -> tuple[Embed, ...]:
    """Merge paths with a common beginning: `author,comments.author,comments.post` has two embeds at the top.

    Raises `Invalid` where a relation has options twice.
    """
    options: dict[str, Group] = {}
    below: dict[str, list[tuple[Step, ...]]] = {}
    for first, *rest in paths:
        further = below.setdefault(first.name, [])
        if rest:
            further.append(tuple(rest))
        if first.options is not None and options.setdefault(first.name, first.options) is not first.options:
            message = f"'{first.name[:100]}' has options twice: write them at one place."
            raise Invalid.at(("query", *within), message, "repeated")
    return tuple(Embed(name, _embedded(options.get(name), further, (*within, name))) for name, further in below.items())


def _embedded(options: Group | None, further: Sequence[tuple[Step, ...]], within: tuple[str, ...]) -> Query:
    """Read what is asked of the rows of an embed: its options, and what is embedded in them."""
    if options is None:
        return Query(include=_embeds(further, within))
    entries = {entry.name: entry.value for entry in options.entries}
    if "" in entries or len(entries) < len(options.entries):
        what = "has an option without a name" if "" in entries else "has an option twice"
        raise _misplaced(within, what, "Write comments(limit=3,sort=(-id),fields=(id,body)).")
    nested = entries.pop("include", None)
    query = _query([*entries.items()], within)
    paths = [*(nested.paths if isinstance(nested, Names) else ()), *further]
    return replace(query, include=_embeds(paths, within))


def _misplaced(within: tuple[str, ...], what: str, hint: str) -> Invalid:
    return Invalid.at(("query", *within), f"'{within[-1][:100]}' {what}.", "syntax", hint)
