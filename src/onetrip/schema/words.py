"""What a word is, and what a text asks for by which rows are searched: `ada "analytical engine" OR loom* -jacquard`.

Any text means something: what is no syntax is a word, and what is no word is nothing. The same characters separate
words on every database, in what is stored and in what is searched for. Standard library only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_WORDS = 32
"""Words of one search."""

MAX_BEGINNINGS = 4
"""Words of one search of which only the beginning is given: each may stand for very many."""

MAX_LENGTH = 200
"""Characters of one word."""

_BETWEEN = (
    (0x01, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0xA9), (0xAB, 0xB4), (0xB6, 0xB9), (0xBB, 0xBF), (0xD7, 0xD7),
    (0xF7, 0xF7), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2190, 0x2BFF), (0x2E00, 0x2E7F), (0xE000, 0xE000),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0x1F000, 0x1FAFF),
)  # fmt: skip

SEPARATORS = "".join(rf"\U{first:08X}-\U{last:08X}" for first, last in _BETWEEN)
"""What stands between words, for the brackets of a regular expression: signs, symbols, emoji.

Databases agree on the signs of other scripts by themselves; it is these in which their parsers see addresses, numbers,
or nothing.
"""

FOLDED = {
    "µ": "μ", "ſ": "s", "ς": "σ", "ϐ": "β", "ϑ": "θ", "ϕ": "φ", "ϖ": "π", "ϰ": "κ", "ϱ": "ρ", "ϵ": "ε", "ẛ": "ṡ",
    "\u1fbe": "ι",
}  # fmt: skip
"""Letters that are another form of one, whose capital is the same: Unicode's case folding, beside lower case."""

_SEPARATOR = re.compile(f"[{SEPARATORS}]")
_FOLD = str.maketrans(FOLDED)
_TERM = re.compile(r'(-?)(?:"([^"]*)"?(\*?)|([^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow one another; with `prefix`, of the last only the beginning. `excluded` are those behind a -."""

    words: tuple[str, ...]
    prefix: bool = False
    excluded: bool = False


Searched = tuple[tuple[Term, ...], ...]
"""Alternatives: a row has every term of one of them, and none that is excluded there. Without any there is no row."""


def searched(text: str) -> Searched:
    """Read what is searched for. Raises `ValueError` with the rest of a sentence for more than is taken.

    >>> searched('ada -"the loom" or engin*')
    ((Term(words=('ada',), prefix=False, excluded=False), Term(words=('the', 'loom'), prefix=False, excluded=True)),
    (Term(words=('engin',), prefix=True, excluded=False),))
    """
    alternatives: list[list[Term]] = [[]]
    found = list(_TERM.finditer(text))
    for number, term in enumerate(found, 1):
        if term[0].lower() == "or" and alternatives[-1] and number < len(found):
            alternatives.append([])
        else:
            alternatives[-1] += _terms(term)
    words = [word for terms in alternatives for term in terms for word in term.words]
    if len(words) > MAX_WORDS:
        raise ValueError(f"has {len(words)} words; at most {MAX_WORDS} are searched for")
    if sum(term.prefix for terms in alternatives for term in terms) > MAX_BEGINNINGS:
        raise ValueError(f"has more than {MAX_BEGINNINGS} beginnings of words")
    if any(len(word) > MAX_LENGTH for word in words):
        raise ValueError(f"has a word of more than {MAX_LENGTH} characters")
    return tuple(tuple(terms) for terms in alternatives if terms)


def _terms(found: re.Match[str]) -> Iterator[Term]:
    """Read what stands between spaces or quotes, if there is a word in it."""
    minus, phrase, star, plain = found.groups()
    text = plain if phrase is None else phrase
    separated = _SEPARATOR.sub(" ", text.translate(_FOLD)).split()
    words = tuple(word for word in separated if any(map(str.isalnum, word)))
    if words:
        yield Term(words, prefix=bool(star) or (phrase is None and text.endswith("*")), excluded=bool(minus))
