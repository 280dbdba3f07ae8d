"""Columns in the units of editors, against Python's own encoders."""

from hypothesis import given
from hypothesis import strategies as st

from archcalc.diagnostics import NOWHERE, Span
from archcalc.editing.positions import UTF8, UTF16, UTF32, column, place, stretch, units

texts = st.text(st.sampled_from("ab\u00e4\u5168\U0001f600\u0301\ud83d"), max_size=12)
SIZES = {UTF8: ("utf-8", 1), UTF16: ("utf-16-le", 2), UTF32: ("utf-32-le", 4)}


@given(texts, st.sampled_from(sorted(SIZES)))
def test_units_are_those_of_the_encoding(text: str, encoding: str) -> None:
    name, size = SIZES[encoding]
    assert units(text, encoding) == len(text.encode(name, "surrogatepass")) // size


@given(texts, st.sampled_from(sorted(SIZES)), st.data())
def test_there_and_back(text: str, encoding: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(text) + 1))
    line, character = place([text], 1, at, encoding)
    assert line == 0
    assert column([text], line, character, encoding) == at


def test_places_beyond_the_text_are_its_ends() -> None:
    lines = ["abc", "d"]
    assert place(lines, 9, 1, UTF16) == (1, 1)
    assert place(lines, 1, 99, UTF16) == (0, 3)
    assert column(lines, 9, 0, UTF16) == 1
    assert column(lines, 0, 99, UTF16) == 4
    assert stretch(lines, NOWHERE, UTF16) == ((0, 0), (0, 1))
    assert stretch(lines, Span(1, 2, 2, 2), UTF16) == ((0, 1), (1, 1))


def test_within_a_character_is_before_it() -> None:
    assert [column(["a\U0001f600b"], 0, one, UTF16) for one in range(5)] == [1, 2, 2, 3, 4]
