"""`Query` → query string: the other direction of `split` and `parse`, for tests.

Values are written as a client would: in double quotes only where they would mean something else without. Where a
`Query` can be written in several ways, one is chosen, which `parse` reads as the same `Query`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any
from urllib.parse import quote

from onetrip.query.ast import And, Compare, Condition, Constant, Embed, Not, Operand, Or, Query, Slot, Some, SortKey
from onetrip.query.split import LISTS

Values = Sequence[str]
"""What the slots of a query stand for."""

_SIGNS = ',()"'
"""What means something between parentheses."""


def render(query: Query, values: Values) -> str:
    """Write a query string."""
    pairs = [_whole(condition, values) for condition in query.where]
    pairs += _options(query, values, ("", ""))
    if query.include:
        pairs.append(("include", ",".join(_embeds(query.include, values))))
    if query.upsert is not None:
        pairs.append(("on_conflict", ",".join(query.upsert.key)))
        if query.upsert.update is not None:
            pairs.append(("update", ",".join(query.upsert.update)))
    return "&".join(f"{quote(name, safe='')}={quote(value, safe=',()')}" for name, value in pairs)


def written(condition: Condition, values: Values) -> str:
    """Write a condition as it stands in parentheses."""
    match condition:
        case Compare(operands=operands, parameter=parameter):
            texts = [_text(operand, values) for operand in operands]
            if isinstance(operands[0], Constant):
                return f"{parameter}={texts[0]}"
            if len(texts) > 1 or parameter.endswith(LISTS):
                return f"{parameter}=({','.join(_quoted(text, _SIGNS + '=') for text in texts)})"
            return f"{parameter}={_quoted(texts[0], _SIGNS)}"
        case Some(parameter, of):
            assert isinstance(of, And)
            return f"{parameter}=({_all(of.of, values)})"
        case Or(of) | And(of):
            return f"{'or' if isinstance(condition, Or) else 'and'}=({_all(of, values)})"
        case Not(And(of)) if len(of) > 1:
            return f"not=({_all(of, values)})"
        case Not(inner):
            return f"not=({written(inner, values)})"


def filled(value: Any, values: Values) -> Any:
    """Put values in place of slots, so that queries are equal that ask for the same.

    A list of `in` ends with its last value as often as its length asks for: here, once.
    """
    if isinstance(value, Slot):
        return values[value.index]
    if isinstance(value, Compare) and value.operator in ("in", "not_in"):
        texts = [filled(operand, values) for operand in value.operands]
        while texts[-2:] == texts[-1:] * 2:
            texts.pop()
        return (value.path, value.operator, texts, value.parameter, value.within)
    if isinstance(value, tuple):
        return tuple(filled(part, values) for part in value)
    if is_dataclass(value):
        parts = [(field.name, filled(getattr(value, field.name), values)) for field in fields(value)]
        return (type(value).__name__, *parts)
    return value


def _whole(condition: Condition, values: Values) -> tuple[str, str]:
    """Write a condition as a parameter, whose value has no quotes around it unless it is a list."""
    name, _, value = written(condition, values).partition("=")
    if isinstance(condition, Compare):
        name, texts = condition.parameter, [_text(operand, values) for operand in condition.operands]
        value = ",".join(_quoted(text, ',"') for text in texts) if name.endswith(LISTS) else texts[0]
    return name, value


def _options(query: Query, values: Values, around: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Write what is neither a condition nor an embed; lists of names stand in parentheses inside of parentheses."""
    opening, closing = around
    if query.sort is not None:
        yield "sort", f"{opening}{','.join(map(_key, query.sort))}{closing}"
    if query.fields is not None:
        yield "fields", f"{opening}{','.join(map('.'.join, query.fields))}{closing}"
    if query.count is not None:
        yield "count", query.count
    slots = {"limit": query.limit, "offset": query.offset, "after": query.after, "before": query.before}
    for name, operand in (slots | {"q": query.search}).items():
        if operand is not None:
            text = _text(operand, values)
            yield name, _quoted(text, _SIGNS) if opening else text


def _embeds(embeds: Sequence[Embed], values: Values) -> Iterator[str]:
    """Write the paths of an `include`."""
    for embed in embeds:
        query = embed.query
        options = [written(condition, values) for condition in query.where]
        options += [f"{name}={value}" for name, value in _options(query, values, ("(", ")"))]
        below = list(_embeds(query.include, values))
        if options and below:
            options.append(f"include=({','.join(below)})")
        if options:
            yield f"{embed.name}({','.join(options)})"
        elif below:
            yield from (f"{embed.name}.{path}" for path in below)
        else:
            yield embed.name


def _all(conditions: Sequence[Condition], values: Values) -> str:
    return ",".join(written(condition, values) for condition in conditions)


def _key(key: SortKey) -> str:
    return f"{'-' * key.descending}{'.'.join(key.path)}{f':nulls{key.nulls}' if key.nulls else ''}"


def _text(operand: Operand, values: Values) -> str:
    return operand.text if isinstance(operand, Constant) else values[operand.index]


def _quoted(text: str, signs: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in signs) else text
