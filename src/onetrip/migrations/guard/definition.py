"""The text of a CREATE TABLE: its columns and constraints, and a new one made to keep what the old one had.

Reflection does not see all of a table: unnamed CHECKs, COLLATE, AUTOINCREMENT, STRICT, WITHOUT ROWID.
"""

import re
from collections.abc import Set
from dataclasses import dataclass

from onetrip.errors import ConfigurationError

TOKENS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|\s+|[^\W\d][\w$]*|.""", re.DOTALL
)
_CONSTRAINTS = frozenset({"constraint", "primary", "unique", "check", "foreign"})
_OPTIONS = ("strict", "without rowid")


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK: its name, its text, and the words in it."""

    name: str | None
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A CREATE TABLE, cut up: what stands before the parenthesis, each part within, and what stands after."""

    before: str
    items: tuple[tuple[str, ...], ...]
    after: str

    @property
    def columns(self) -> dict[str, int]:
        """The columns, and which part each is."""
        names = ((_word(_words(item)[0]), number) for number, item in enumerate(self.items) if _words(item))
        return {name: number for name, number in names if name not in _CONSTRAINTS}

    @property
    def checks(self) -> list[Check]:
        """Every CHECK, of columns and of the table."""
        return [check for item in self.items for check in _checks(item)]

    def text(self) -> str:
        """Write it down again."""
        items = ",\n\t".join("".join(item).strip() for item in self.items)  # SQLAlchemy reads one on each line
        return f"{self.before}(\n\t{items}\n){self.after}"


def read_definition(sql: str) -> Definition:
    """Cut up a CREATE TABLE."""
    tokens = TOKENS.findall(sql)
    start = tokens.index("(")
    items: list[tuple[str, ...]] = []
    item: list[str] = []
    depth = 0
    for number in range(start, len(tokens)):
        token = tokens[number]
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 or (depth == 1 and token == ","):
            items.append(tuple(item))
            item = []
        elif number > start:
            item.append(token)
        if depth == 0:
            return Definition("".join(tokens[:start]), tuple(items), "".join(tokens[number + 1 :]))
    raise ValueError(sql)


def keep(table: str, old: str, new: str, seen: Set[str]) -> str:
    """Answer a new CREATE TABLE that has what the old one had and nobody meant to take away.

    `seen` are the names of CHECKs that reflection saw, so that one that is missing is missing on purpose. Raises
    `ConfigurationError` for a CHECK of a column that is dropped or renamed: then nobody can say what is meant.
    """
    before, after = read_definition(old), read_definition(new)
    items = list(after.items)
    for name, number in after.columns.items():
        if name in before.columns:
            items[number] = (*items[number], *_collation(before.items[before.columns[name]], items[number]))
    items = _autoincrement(before, items)
    items += [(check.text,) for check in _lost(table, before, after, seen)]
    options = [each for each in _OPTIONS if each in _flat(before.after) and each not in _flat(after.after)]
    written = [part for part in (after.after.strip(), *(each.upper() for each in options)) if part]
    return Definition(after.before, tuple(items), (" " + ", ".join(written)) if written else "").text()


def _lost(table: str, before: Definition, after: Definition, seen: Set[str]) -> list[Check]:
    """Find the CHECKs to bring back: neither there, nor replaced by another one of the same columns."""
    gone = before.columns.keys() - after.columns.keys()
    added = after.columns.keys() - before.columns.keys()
    there, known = {check.words for check in after.checks}, {check.words for check in before.checks}
    replaced = [_columns(check, after) for check in after.checks if check.words not in known]
    lost = []
    for check in before.checks:
        columns = _columns(check, before)
        if (check.name or "") in seen or check.words in there or columns in replaced:
            continue
        if not columns & gone:
            lost.append(check)
        elif added or columns - gone:
            raise ConfigurationError(
                f"The table '{table}' has a {check.text}, and {' and '.join(sorted(columns & gone))} is dropped or "
                "renamed: say what it shall be with batch_alter_table(…, table_args=[sa.CheckConstraint(…)])."
            )
    return lost


def _columns(check: Check, definition: Definition) -> set[str]:
    return {_word(word) for word in check.words} & definition.columns.keys()


def _checks(item: tuple[str, ...]) -> list[Check]:
    words, found, depth, number = _words(item), [], 0, 0
    while number < len(words):
        if depth == 0 and words[number].lower() == "check":
            end = _closing(words, number + 1)
            named = number > 1 and words[number - 2].lower() == "constraint"
            text = _text(item, words, number - 2 if named else number, end)
            inside = tuple(_word(word) for word in words[number + 2 : end])
            found.append(Check(name_in(words[number - 1]) if named else None, text, inside))
            number = end
        else:
            depth += {"(": 1, ")": -1}.get(words[number], 0)
        number += 1
    return found


def _closing(words: list[str], start: int) -> int:
    depth = 0
    for number in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[number], 0)
        if depth == 0:
            return number
    raise ValueError(words)


def _text(item: tuple[str, ...], words: list[str], start: int, end: int) -> str:
    """Write down some words as they were written, with what is between them."""
    places = [number for number, token in enumerate(item) if _is_word(token)]
    return "".join(item[places[start] : places[end] + 1])


def _collation(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    words = _words(old)
    lowered = [word.lower() for word in words]
    if "collate" not in lowered or "collate" in {word.lower() for word in _words(new)}:
        return []
    place = lowered.index("collate")
    within_check = "(" in lowered[:place] and lowered[:place].count("(") > lowered[:place].count(")")
    return [] if within_check else [" COLLATE ", words[place + 1]]


def _autoincrement(before: Definition, items: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Write a primary key as part of its column again, where alone it can be an AUTOINCREMENT."""
    old = next((item for item in before.items if "autoincrement" in map(str.lower, _words(item))), None)
    if old is None or any("autoincrement" in map(str.lower, _words(item)) for item in items):
        return items
    column = _word(_words(old)[0])
    for item in items:
        words = [_word(word) for word in _words(item)]
        if words[-5:] == ["primary", "key", "(", column, ")"] and words[0] in ("primary", "constraint"):
            key = "".join(item).strip()
            clause = " " + key[: key.rindex("(")].strip() + " AUTOINCREMENT"
            return [(*each, clause) if _word(_words(each)[0]) == column else each for each in items if each is not item]
    return items


def _words(item: tuple[str, ...]) -> list[str]:
    return [token for token in item if _is_word(token)]


def _is_word(token: str) -> bool:
    return not token.isspace() and not token.startswith(("--", "/*"))


def _word(token: str) -> str:
    """Answer what a token means: names without quotes, in lower case; texts as they are."""
    return token if token.startswith("'") else name_in(token).lower()


def name_in(token: str) -> str:
    """Take a name out of its quotes."""
    return token[1:-1].replace(token[0] * 2, token[0]) if token[:1] in ('"', "`", "[") and len(token) > 1 else token


def _flat(text: str) -> str:
    return " ".join(text.lower().split())
