"""What a text asks for: terms, alternatives, and what is no word."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrip.schema import words
from onetrip.schema.words import MAX_LENGTH, MAX_WORDS, searched


def read(text: str) -> str:
    """What was read, written plainly: `-` for excluded, `+` between the words of a phrase, `|` between alternatives."""
    return " | ".join(
        " ".join("-" * term.excluded + "+".join(term.words) + "*" * term.prefix for term in terms)
        for terms in searched(text)
    )


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("ada", "ada"), ("Ada  Lovelace", "Ada Lovelace"), ("ada -loom", "ada -loom"), ("ada - loom", "ada loom"),
        ('"a b" c', "a+b c"), ('"a b', "a+b"), ('a"b c"d', "a b+c d"), ('-"a b"', "-a+b"), ('"a b"*', "a+b*"),
        ("a*", "a*"), ("a*b", "a+b"), ("-a*", "-a*"), ("well-known", "well+known"), ("--a", "-a"), ("a-", "a"),
        ("a or b", "a | b"), ("a OR b c", "a | b c"), ("or", "or"), ("or a", "or a"), ("a or", "a or"),
        ("a or or b", "a | or b"), ('a "or" b', "a or b"), ("a or -", "a"), ("a or !! or b", "a | or b"),
        ("-or", "-or"), ("", ""),
        (" ", ""), ('""', ""), ("*", ""), ("-", ""), ("'", ""), ("🚀", ""), ("a 🚀", "a"), ("ς", "σ"),
        ("a\u200bb", "a+b"), ("a\u0301", "a\u0301"), ("、", ""), ("a & b | !c", "a b c"),
    ],
)  # fmt: skip
def test_reading(text: str, meaning: str) -> None:
    """Any text means something."""
    assert read(text) == meaning


@given(st.text(alphabet=st.sampled_from("ab-*\" '\\:&|!()or\x01é🚀東")))
def test_no_word_holds_what_a_database_takes_for_syntax(text: str) -> None:
    """Words are letters, digits and marks."""
    for terms in searched(text[:MAX_WORDS]):
        assert terms and all(term.words for term in terms)
        assert all(word.isalnum() for term in terms for word in term.words)


def test_bounds() -> None:
    """As many words as are taken, and as long ones, and no more."""
    assert len(searched("w " * MAX_WORDS)[0]) == MAX_WORDS
    assert searched("w" * MAX_LENGTH)
    for text, says in (
        ("w " * (MAX_WORDS + 1), f"has {MAX_WORDS + 1} words"),
        ("w" * (MAX_LENGTH + 1), "has a word of more than 200"),
    ):
        with pytest.raises(ValueError, match=says):
            searched(text)


def test_the_example_is_right() -> None:
    """What the docstring shows."""
    assert doctest.testmod(words, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
