"""Names that follow from other names: resource paths, class names, relations.

Pure functions over strings: English plurals that keep the style of a name, and the rule by which the relations of a
reflected database are called (written down for users in `docs/reflected-databases.md`). Knows no table, no mapper and
no database: whoever calls decides which relations there are. May import the standard library only.
"""

import re
from collections.abc import Callable, Container, Sequence
from itertools import chain, count, takewhile
from keyword import iskeyword


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# An own table of English plurals, because the library for it, `inflect`, takes more than a second to import (1.1 s
# measured) where all of onetrip may take 0.6 s. The table is predictable rather than complete: a word that it does not
# know gets the regular ending.
_UNCOUNTABLE = _set(
    """aircraft audio baggage cash chaos chassis cms cosmos css data debris deer dns equipment evidence feedback fish
    furniture gps hardware headquarters information knowledge kudos logistics luggage mail media metadata money moose
    music news offspring progress rice rss salmon series sheep shrimp sms software species staff swine tls traffic trout
    tennis weather"""
)
_IRREGULAR = {
    "calf": "calves", "criterion": "criteria", "datum": "data", "echo": "echoes", "elf": "elves", "epoch": "epochs",
    "foot": "feet", "goose": "geese", "half": "halves", "hero": "heroes", "knife": "knives",
    "leaf": "leaves", "life": "lives", "loaf": "loaves", "matrix": "matrices", "medium": "media", "monarch": "monarchs",
    "mouse": "mice", "ox": "oxen", "phenomenon": "phenomena", "potato": "potatoes", "quiz": "quizzes", "self": "selves",
    "shelf": "shelves", "stomach": "stomachs", "tech": "techs", "thief": "thieves", "tomato": "tomatoes",
    "tooth": "teeth", "torpedo": "torpedoes", "vertex": "vertices", "veto": "vetoes", "wife": "wives", "wolf": "wolves",
}  # fmt: skip
_IRREGULAR_PLURALS = {many: one for one, many in _IRREGULAR.items()}
_COMPOUNDS = (("person", "people"), ("child", "children"), ("man", "men"))  # salesperson, grandchild, postman …
_NOT_COMPOUNDS = _set(
    "abdomen acumen caiman german human norman omen ottoman regimen roman shaman specimen stamen talisman"
)
# A word in -s is a plural, unless it ends in -ss, -us, -sis or -xis or stands in the first list; the second excepts.
_SINGULARS_IN_S = _set("alias atlas bias canvas gas iris lens metropolis pelvis trellis")
_PLURALS_IN_US_XIS = _set("bureaus cpus emus gpus gurus haikus menus plateaus skus tableaus taxis tutus")
# Where the singular cannot be seen from the plural: words in -e, which lose only the -s, and plurals of words in -is.
_SINGULARS_IN_E = _set(
    """abuse ache avalanche axe birdie brownie cache calorie cookie die excuse foodie fuse genie hippie hoodie lie movie
    muse niche pie pixie prairie psyche quiche refuse rookie selfie smoothie tie use veggie zombie"""
)
_PLURALS_OF_IS = _set(
    "analyses crises diagnoses ellipses emphases hypotheses oases parentheses synopses syntheses theses"
)

_CAMEL = r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])"  # blog|Post, HTTP|Server, but not I|Ds
_WORD = re.compile(rf"[^\W_]+?(?={_CAMEL}|[\W_]|$)")
_VOWEL = re.compile(r"[aio]|e(?!u)|u(?!ni|[bkrst])", re.IGNORECASE)
"""How a word begins that takes `an`; of those with `u` few do, and `one` is seldom first."""
_KEY_WORDS = ("id", "fk")


def words(name: str) -> list[str]:
    """Split a name of any style into its words: `HTTPServer` → `HTTP`, `Server`."""
    return _WORD.findall(name)


def snake(name: str) -> str:
    """Put a name in snake case: `HTTPServer` → `http_server`."""
    return "_".join(words(name)).lower()


def plural(name: str) -> str:
    """Put the last word of a name in the plural, keeping its style; a plural stays as it is."""
    return _with_last_word(name, _plural_word)


def singular(name: str) -> str:
    """Put the last word of a name in the singular, keeping its style; a singular stays as it is."""
    return _with_last_word(name, _singular_word)


def one(name: str) -> str:
    """Speak of one by a name in snake case, with its article: `order_item` → `an order item`, `user` → `a user`."""
    return f"{'an' if _VOWEL.match(name) else 'a'} {name.replace('_', ' ')}"


def resource_path(class_name: str) -> str:
    """Give the path of a class: the words of its name in kebab case, the last one in the plural."""
    return plural("-".join(words(class_name)).lower())


def class_name(table: str) -> str:
    """Give the class name of a table: its words in the singular, capitalised and joined; always a Python identifier."""
    name = "".join(_capitalised(word.lower() if table.isupper() else word) for word in words(singular(table)))
    if not name.isidentifier():  # no letter at all, or a digit in front
        name = f"Table{name}"
    return f"{name}_" if iskeyword(name) else name


def joined(head: str, *tail: str, like: str | None = None) -> str:
    """Append words to a name in its own style, or in that of `like`: `Posts`, `by`, `editor` → `PostsByEditor`."""
    separator, case = _style(like or head)
    return separator.join([_identifier(head), *(case(word) for part in tail for word in words(part))])


def stem(columns: Sequence[str], parent: str) -> str:
    """Say what the columns of a foreign key stand for.

    One column stands for its name without `id` or `fk`: `AlbumId` → `Album`. A bare `id` and several columns stand for
    the table referred to. A column without such an ending stands for itself: `ReportsTo`.
    """
    column = columns[0]
    if len(columns) > 1:
        return _restyled(singular(parent), like=column)
    *front, last = words(column) or [column]
    if last.lower() in _KEY_WORDS and column.endswith(last):
        return _identifier(column[: -len(last)].rstrip("_- ")) if front else _identifier(singular(parent))
    if column.lower() in {f"{name.lower()}{key}" for name in (parent, singular(parent)) for key in _KEY_WORDS}:
        return column[:-2]  # albumid, as PostgreSQL folds an unquoted AlbumId
    return _identifier(column)


def to_one(columns: Sequence[str], parent: str) -> tuple[str, ...]:
    """Give the names, best first, for the relation from a row to the one that its foreign key refers to."""
    name, referred = stem(columns, parent), singular(parent)
    if len(columns) > 1:
        return name, joined(name, "by", *columns, like=columns[0])
    if name == _identifier(referred) != _identifier(columns[0]):
        return (name,)
    longer = joined(name, referred, like=columns[0])
    return (longer,) if name == _identifier(columns[0]) else (name, longer)


def to_many(child: str, key: str, *, alone: bool) -> tuple[str, ...]:
    """Give the names, best first, for the relation from a row to those of `child` that refer to it.

    `key` is the stem of the foreign key; `alone` says that `child` has no second one to the same table.
    """
    return _reverse(plural(child), key, alone=alone)


def one_to_one(child: str, key: str, *, alone: bool) -> tuple[str, ...]:
    """Give the names as `to_many` does, for a child of which there is at most one."""
    return _reverse(singular(child), key, alone=alone)


def many_to_many(far: str, link: str, *, alone: bool) -> tuple[str, ...]:
    """Give the names, best first, for the relation to the rows called `far` through the table `link`.

    `alone` says that no other link table joins the same two tables.
    """
    return _reverse(plural(far), singular(link), alone=alone)


def unused(candidates: Sequence[str], taken: Container[str]) -> str:
    """Choose the first name that is not taken; if all are, number the last one: `posts_2`, `Posts2`."""
    numbered = (joined(candidates[-1], str(number)) for number in count(2))
    return next(name for name in chain(candidates, numbered) if name not in taken)


def _reverse(name: str, by: str, *, alone: bool) -> tuple[str, ...]:
    longer = joined(name, "by", by)
    return (_identifier(name), longer) if alone else (longer,)


def _style(name: str) -> tuple[str, Callable[[str], str]]:
    """Tell how further words join a name: what stands between them, and their case."""
    body = name.strip("_")
    if body.islower():
        return "_", str.lower
    if body.isupper():
        return "_", str.upper
    return "_" if "_" in body else "", _capitalised


def _restyled(name: str, *, like: str) -> str:
    separator, case = _style(like)
    text = separator.join(case(word) for word in words(name))
    camel = not separator and like[:1].islower()
    return text[:1].lower() + text[1:] if camel else text


def _identifier(name: str) -> str:
    """Make a name that can stand in a query string and in a client's code, where a table's has spaces or hyphens."""
    return name if name.isidentifier() else _restyled(name, like=name) or name


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:]  # str.capitalize would turn HTTP into Http


def _with_last_word(name: str, change: Callable[[str], str]) -> str:
    found = [match for match in _WORD.finditer(name) if not match[0].isdigit()]
    if not found:
        return name
    word, (start, end) = found[-1][0], found[-1].span()
    changed = change(word.lower())
    kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word.lower(), changed, strict=False)))
    changed = changed.upper() if name.isupper() else word[:kept] + changed[kept:]
    return name[:start] + changed + name[end:]


def _is_plural(word: str) -> bool:
    if word in _UNCOUNTABLE or word in _IRREGULAR_PLURALS or word in _PLURALS_IN_US_XIS:
        return True
    if word.endswith(tuple(many for _, many in _COMPOUNDS)):
        return word not in _NOT_COMPOUNDS
    return (
        word.endswith("s")
        and not word.endswith(("ss", "us", "sis", "xis"))
        and word not in _SINGULARS_IN_S
        and len(word) > 1
    )


def _plural_word(word: str) -> str:
    if _is_plural(word):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for one, many in _COMPOUNDS:
        if word.endswith(one) and word not in _NOT_COMPOUNDS:
            return word.removesuffix(one) + many
    if word.endswith(("sis", "xis")):
        return f"{word[:-2]}es"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}s"


def _singular_word(word: str) -> str:
    if not _is_plural(word) or word in _UNCOUNTABLE:
        return word
    if word in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[word]
    for one, many in _COMPOUNDS:
        if word.endswith(many):
            return word.removesuffix(many) + one
    if word in _PLURALS_OF_IS:
        return f"{word[:-2]}is"
    if word.endswith("ies") and word[:-1] not in _SINGULARS_IN_E:
        return f"{word[:-3]}y"
    return word[:-2] if _adds_es(word) else word[:-1]


def _adds_es(plural: str) -> bool:
    """Tell `statuses` and `boxes` from `houses` and `axes`, whose singular ends in -e."""
    if plural[:-1] in _SINGULARS_IN_E or plural.endswith(("auses", "ouses")):
        return False
    return plural.endswith(("sses", "uses", "xes", "ches", "shes", "zzes")) or plural[:-2] in _SINGULARS_IN_S
