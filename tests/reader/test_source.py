"""The reader: every refusal with its words and place, and the same result with and without libyaml."""

import sys

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archcalc.diagnostics import Refusal, Span
from archcalc.reader.nodes import Mapping, Scalar, Sequence, Value
from archcalc.reader.source import parse
from archcalc.reader.text import decode, split_lines

LIBYAML = pytest.mark.parametrize("libyaml", [True, False], ids=["libyaml", "pure"])


def only(text: str, *, libyaml: bool = True) -> tuple[str, str, tuple[int, int]]:
    root, problems = parse(text, libyaml=libyaml)
    assert root is None
    (one,) = problems
    return one.code, one.message, one.span[:2]


REFUSED = [
    ("", "AC010", "the spec is empty", (1, 1)),
    ("# only a comment\n", "AC010", "the spec is empty", (1, 1)),
    ("a: 1\n---\nb: 2\n", "AC011", "a second document starts here; a spec is one", (2, 1)),
    ("a: 1\n...\n---\nb: 2\n", "AC011", "a second document starts here; a spec is one", (3, 1)),
    ("%YAML 1.1\n---\na: 1\n", "AC011", "directives (`%`) are not part of the language", (1, 1)),
    ("# x\n\n%TAG ! !\n---\na: 1\n", "AC011", "directives (`%`) are not part of the language", (3, 1)),
    ("%FOO\n---\na: 1\n", "AC011", "directives (`%`) are not part of the language", (1, 1)),
    ("a: !!int 3\n", "AC011", "tags (`!`) are not part of the language", (1, 4)),
    ("a: &x !y z\n", "AC011", "tags (`!`) are not part of the language", (1, 7)),
    ("a: ! z\n", "AC011", "tags (`!`) are not part of the language", (1, 4)),
    ("- !!python/object/apply:os.system [x]\n", "AC011", "tags (`!`) are not part of the language", (1, 3)),
    ("a: !u!v z\n", "AC011", "tags (`!`) are not part of the language", (1, 4)),
    ("a: &a {b: 1}\nc: {<<: *a}\n", "AC011", "merge keys (`<<`) are not part of the language", (2, 5)),
    ("[a, b]: 1\n", "AC011", "a key is a word, not a list or mapping", (1, 1)),
    ("? {a: 1}\n: 1\n", "AC011", "a key is a word, not a list or mapping", (1, 3)),
    ("a: &a [*a]\n", "AC011", "`*a` stands inside its own anchor", (1, 8)),
    ("a: &a {b: *a}\n", "AC011", "`*a` stands inside its own anchor", (1, 11)),
    ("a: *b\n", "AC010", "`*b` has no anchor `&b` before it", (1, 4)),
    ("a:\n\tb: 1\n", "AC003", "a tab; indent and separate with spaces", (2, 1)),
    ("a: x\ty\n", "AC003", "a tab; indent and separate with spaces", (1, 5)),
    ('a: "\\t"\n', "AC003", "a tab, escaped,; indent and separate with spaces", (1, 5)),
    ("a: \ufeffx\n", "AC003", "a byte order mark (U+FEFF) that is not at the start of the text", (1, 4)),
    ("\U0001f600e\u0301\x00\n", "AC003", "the character U+0000 does not belong in a spec", (1, 4)),
    ("a\r\nb\rc\n\x1b\n", "AC003", "the character U+001B does not belong in a spec", (4, 1)),
    ("a: \x7f\n", "AC003", "the character U+007F does not belong in a spec", (1, 4)),
    ("a: \x85b\n", "AC003", "the character U+0085 does not belong in a spec", (1, 4)),
    ("a: \u2028b\n", "AC003", "the character U+2028 does not belong in a spec", (1, 4)),
    ("a: \u202eb\n", "AC003", "the character U+202E does not belong in a spec", (1, 4)),
    ("a: \u2066b\n", "AC003", "the character U+2066 does not belong in a spec", (1, 4)),
    ("a: \ud800b\n", "AC003", "the character U+D800 does not belong in a spec", (1, 4)),
    ("a: \uffffb\n", "AC003", "the character U+FFFF does not belong in a spec", (1, 4)),
    ('a: "x\\0"\n', "AC003", "the character U+0000, escaped, does not belong in a spec", (1, 6)),
    ('a: "\U0001f600\\x1b"\n', "AC003", "the character U+001B, escaped, does not belong in a spec", (1, 6)),
    ('a: "\\u202e"\n', "AC003", "the character U+202E, escaped, does not belong in a spec", (1, 5)),
    ('a: "\\ud83d\\ude00"\n', "AC003", "the character U+D83D, escaped, does not belong in a spec", (1, 5)),
    ('a: "\\P"\n', "AC003", "the character U+2029, escaped, does not belong in a spec", (1, 5)),
    ('a: "\\uFEFF"\n', "AC003", "the character U+FEFF, escaped, does not belong in a spec", (1, 5)),
    ('a: "\\\\\\q"\n', "AC003", "the escape `\\q` stands for no character", (1, 7)),
    ('a: "\\x4"\n', "AC003", "the escape `\\x` stands for no character", (1, 5)),
    ('a: "\\U00110000"\n', "AC003", "the escape `\\U00110000` is beyond Unicode", (1, 5)),
    ('a: "\\UFFFFFFFF"\n', "AC003", "the escape `\\UFFFFFFFF` is beyond Unicode", (1, 5)),
    ("a: [1, 2\n", "AC010", "the text is not YAML here", (1, 9)),
    ('a: "x\n', "AC010", "the text is not YAML here", (1, 6)),
    ("a: @x\n", "AC010", "the text is not YAML here", (1, 4)),
    ("a: b: c\n", "AC010", "the text is not YAML here", (1, 5)),
    ("a: 1\n b: 2\n", "AC010", "the text is not YAML here", (2, 3)),
    ("{a:, b: 1}\n", "AC010", "the text is not YAML here", (1, 3)),
    ("a: |#\n", "AC010", "the text is not YAML here", (1, 5)),
    ("[a, POOL?]\n", "AC010", "a `?` inside a list or mapping in brackets needs quotes around its word", (1, 9)),
    ("[a, ?]\n", "AC010", "a `?` inside a list or mapping in brackets needs quotes around its word", (1, 5)),
    ("[a, ?b]\n", "AC010", "a `?` inside a list or mapping in brackets needs quotes around its word", (1, 5)),
    ("[" * 5000, "AC001", "the spec is nested deeper than 64 levels, the limit", (1, 65)),
    ("a: " + "{" * 80 + "@", "AC001", "the spec is nested deeper than 64 levels, the limit", (1, 67)),
    ('["a\\"[", ' + "[" * 1500, "AC001", "the spec is nested deeper than 64 levels, the limit", (1, 73)),
    ("[" * 100, "AC001", "the spec is nested deeper than 64 levels, the limit", (1, 65)),
    ("- " * 100, "AC001", "the spec is nested deeper than 64 levels, the limit", (1, 129)),
    ("[" + "x," * 100_000 + "]", "AC001", "the spec has more than 100,000 nodes, the limit", (1, 200_000)),
    ("- &a x\n" + "- *a\n" * 101, "AC001", "the spec has more than 100 aliases, the limit", (102, 3)),
    (
        "- &a [" + "x, " * 2000 + "]\n" + "- *a\n" * 99,
        "AC001",
        "the spec has more than 100,000 nodes, the limit",
        (50, 3),
    ),
    (
        "- &a " + "[" * 40 + "]" * 40 + "\n- " + "[" * 40 + "*a",
        "AC001",
        "the spec is nested deeper than 64 levels, the limit",
        (2, 43),
    ),
    ("x" * (1 << 20) + "y", "AC001", "the spec has more than 1,048,576 bytes, the limit", (1, 1)),
    ("\u00e9" * (1 << 19) + "y", "AC001", "the spec has more than 1,048,576 bytes, the limit", (1, 1)),
]


@LIBYAML
@pytest.mark.parametrize(("text", "code", "message", "place"), REFUSED)
def test_refused(text: str, code: str, message: str, place: tuple[int, int], libyaml: bool) -> None:
    assert only(text, libyaml=libyaml) == (code, message, place)


@LIBYAML
def test_a_bomb_of_aliases_is_counted_before_it_is_built(libyaml: bool) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    code, message, place = only("\n".join(lines), libyaml=libyaml)
    assert (code, message) == ("AC001", "the spec has more than 100,000 nodes, the limit")
    assert place[0] == 6


@LIBYAML
def test_duplicate_keys_cite_both_places(libyaml: bool) -> None:
    text = "\U0001f600e\u0301: {a: 1, \U0001f600: 2, b: 3, a: 4, \U0001f600: 5}\r\na: 1\r\na: 2\r\n"
    root, problems = parse(text, libyaml=libyaml)
    assert root is not None
    assert [(one.code, one.message, one.span, one.labels[0].span) for one in problems] == [
        ("AC012", "`a` is given twice, first on line 1", Span(1, 25, 1, 26), Span(1, 7, 1, 8)),
        ("AC012", "`\U0001f600` is given twice, first on line 1", Span(1, 31, 1, 32), Span(1, 13, 1, 14)),
        ("AC012", "`a` is given twice, first on line 2", Span(3, 1, 3, 2), Span(2, 1, 2, 2)),
    ]


@LIBYAML
def test_scalars_stay_text(libyaml: bool) -> None:
    words = ["no", "017", "1:30", "1e3", "0x1F", "1_000", "~", "null", "2001-01-01", "=", ".inf"]
    root, problems = parse("\n".join(f"- {word}" for word in words), libyaml=libyaml)
    assert problems == []
    assert isinstance(root, Sequence)
    assert [item.text for item in root.items if isinstance(item, Scalar)] == words


@pytest.mark.parametrize(
    ("data", "message", "place"),
    [
        (b"a: 1\n\xff", "byte 0xff is not UTF-8; save the spec as UTF-8", (2, 1)),
        ("\U0001f600e\u0301".encode() + b"\xe9", "byte 0xe9 is not UTF-8; save the spec as UTF-8", (1, 4)),
        (b"a\r\n\xed\xa0\x80", "byte 0xed is not UTF-8; save the spec as UTF-8", (2, 1)),
        (b"a: \xc0\x80", "byte 0xc0 is not UTF-8; save the spec as UTF-8", (1, 4)),
        ("a".encode("utf-16"), "the spec is UTF-16 or UTF-32; save it as UTF-8", (1, 1)),
        ("a: 1".encode("utf-16-le"), "the spec is UTF-16 or UTF-32; save it as UTF-8", (1, 1)),
        ("a: 1".encode("utf-16-be"), "the spec is UTF-16 or UTF-32; save it as UTF-8", (1, 1)),
        ("a".encode("utf-32"), "the spec is UTF-16 or UTF-32; save it as UTF-8", (1, 1)),
        (b"\0\0\xfe\xff\0\0\0a", "the spec is UTF-16 or UTF-32; save it as UTF-8", (1, 1)),
    ],
)
def test_bytes_that_are_not_utf8(data: bytes, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(Refusal) as caught:
        decode(data)
    one = caught.value.diagnostic
    assert (one.code, one.message, one.span[:2]) == ("AC002", message, place)


def test_a_byte_order_mark_at_the_start_is_no_character() -> None:
    text = decode(b"\xef\xbb\xbfa: 1\n")
    root, _ = parse(text)
    assert isinstance(root, Mapping)
    assert root.entries[0][0].span == Span(1, 1, 1, 2)
    assert only("\ufeffa: 1\n")[0] == "AC003"  # `decode` takes one away, and only one


def test_too_many_bytes_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(Refusal, match="more than 1,048,576 bytes"):
        decode(b"\xff" * ((1 << 20) + 1))


@LIBYAML
@pytest.mark.parametrize("text", ["[a, {b: \n# c\n}]", "[a, {b: # c\n\n}]", "[a, {b: }]", "[a, {b:\r\n #c\r\n}]"])
def test_a_value_that_is_not_there_stands_before_comments(text: str, libyaml: bool) -> None:
    root, problems = parse(text, libyaml=libyaml)
    assert isinstance(root, Sequence)
    assert not problems
    assert isinstance(root.items[1], Mapping)
    assert root.items[1].entries[0][1].span == (1, 8, 1, 8)


@LIBYAML
def test_spans_end_with_what_is_seen(libyaml: bool) -> None:
    root, _ = parse("a:\n  - b: 1\n    c:\n\n# comment\n\nd: |\n  x\n", libyaml=libyaml)
    assert isinstance(root, Mapping)
    listed = root.get("a")
    assert isinstance(listed, Sequence)
    assert listed.span == Span(2, 3, 3, 7)
    item = listed.items[0]
    assert isinstance(item, Mapping)
    assert item.span == Span(2, 5, 3, 7)
    assert item.get("c") == Scalar("", Span(3, 7, 3, 7))


QUOTES = [
    ("layers:\n  - [CONV3-64 -> RELU]*2\n", ['write - "[CONV3-64 -> RELU]*2"'], [(2, 5, 2, 25)]),
    (
        "layers:\n  - [CONV3 -> RELU]*2 -> POOL2  # twice\n  - relu\n  - [[FC-1]*2 -> RELU]*3 -> FC-10\n",
        ['write - "[CONV3 -> RELU]*2 -> POOL2"  # twice', 'write - "[[FC-1]*2 -> RELU]*3 -> FC-10"'],
        [(2, 5, 2, 31), (4, 5, 4, 34)],
    ),
    ("pattern: [[CONV]*N -> POOL?]*M\n", ['write pattern: "[[CONV]*N -> POOL?]*M"'], [(1, 10, 1, 31)]),
    ("layers: [relu, [CONV3]*2, bn]\n", ['write layers: [relu, "[CONV3]*2", bn]'], [(1, 16, 1, 25)]),
    ("layers: [CONV3 -> [RELU]*2]\n", ['write layers: ["CONV3 -> [RELU]*2"]'], [(1, 10, 1, 27)]),
    ("layers: [INPUT[3x3x3] -> RELU]\n", ['write layers: ["INPUT[3x3x3] -> RELU"]'], [(1, 10, 1, 30)]),
    ("layers: [[A]*2 -> B]*3 -> C\n", ['write layers: "[[A]*2 -> B]*3 -> C"'], [(1, 9, 1, 28)]),
    ("- add: [[], [[A -> B]*2]]\n", ['write - add: [[], "[[A -> B]*2]"]'], [(1, 13, 1, 25)]),
    ("- {repeat: 3, layers: [[A]*2 -> B]}\n", ['write - {repeat: 3, layers: "[[A]*2 -> B]"}'], [(1, 23, 1, 35)]),
    ("- [A\n   -> B]*2\n", ['write - "[A -> B]*2"'], [(1, 3, 2, 11)]),
    ("- [A -> B] - C\n", ['write - "[A -> B] - C"'], [(1, 3, 1, 15)]),
    ("- [A-($k+1)s$s]*$n\n", ['write - "[A-($k+1)s$s]*$n"'], [(1, 3, 1, 19)]),
    ("- [A]*2\n- {b: [\n", ['write - "[A]*2"'], [(1, 3, 1, 8)]),
]


@LIBYAML
@pytest.mark.parametrize(("text", "helps", "spans"), QUOTES)
def test_forgotten_quotes(text: str, helps: list[str], spans: list[tuple[int, ...]], libyaml: bool) -> None:
    root, problems = parse(text, libyaml=libyaml)
    assert root is None
    assert [one.help[0] for one in problems] == helps
    assert [tuple(one.span) for one in problems] == spans
    assert all(one.code == "AC010" and "must be quoted" in one.message for one in problems)


@pytest.mark.parametrize("text", ["- a: ]\n", "a: [b, c\n", "- [a, b]x\n", "- {a: [1, 2}\n"])
def test_other_brackets_are_not_taken_for_patterns(text: str) -> None:
    _, problems = parse(text)
    assert [one.message for one in problems] == ["the text is not YAML here"]


def test_lines_end_as_yaml_ends_them() -> None:
    assert split_lines("a\r\nb\rc\nd") == ["a", "b", "c", "d"]
    assert split_lines("") == [""]


# -- with and without libyaml ----------------------------------------------------------------------

WORDS = st.text(st.sampled_from("ab1 .x\u00e9\U0001f600\u0301'\"#:,-[]{}?*&!|>%@`\\\r\n"), max_size=12)
TREES = st.recursive(WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4))
STYLES = st.sampled_from([None, '"', "'", "|", ">"])


@settings(max_examples=150, deadline=None)
@given(TREES, STYLES, st.sampled_from([True, False, None]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_same_tree_with_and_without_libyaml(tree: object, style: str | None, flow: bool | None, end: str) -> None:
    text = yaml.safe_dump(tree, default_style=style, default_flow_style=flow, allow_unicode=True, width=30)
    text = text.replace("\n", end)
    assert parse(text, libyaml=True) == parse(text, libyaml=False)


@settings(max_examples=150, deadline=None)
@given(TREES, st.sampled_from([True, False]))
def test_what_is_read_is_what_was_written(tree: object, flow: bool) -> None:
    text = yaml.safe_dump(tree, default_style='"', default_flow_style=flow, allow_unicode=True)
    root, problems = parse(text)
    if root is None:
        assert {one.code for one in problems} <= {"AC001", "AC003"}  # an escape that a spec does not have
        return
    assert plain(root) == tree


def plain(node: Value) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(one) for one in node.items]
    return {key.text: plain(value) for key, value in node.entries}


@example("\n[]*'")
@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(st.sampled_from("ab: -[]{}\"'\n|>*&#,"), max_size=60))
def test_any_text_gives_a_tree_or_problems(text: str) -> None:
    for libyaml in (True, False):
        root, problems = parse(text, libyaml=libyaml)
        assert root is not None or problems
        assert all(one.span[:2] <= one.span[2:] for one in problems)


QUESTION = "a `?` inside a list or mapping in brackets needs quotes around its word"
TAG = "tags (`!`) are not part of the language"
NO_ANCHOR = "`*a` has no anchor `&a` before it"


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("{filter? s: 3}", QUESTION, (1, 8)),  # one word to libyaml, a word and a key to the pure parser
        ("[a ? b]", QUESTION, (1, 4)),
        ("[\na #b?\n, a?]", QUESTION, (3, 4)),
        ("{ # c?\n a?,}", QUESTION, (2, 3)),
        ("{? a: 1#a?", QUESTION, (1, 10)),
        ("{---''#?a~|-x[a: b", QUESTION, (1, 8)),
        ("[a?\r\n\\n->b", QUESTION, (1, 3)),
        ("layers: [relu?, [CONV3-64p1 -> RELU]*2, relu]\n", QUESTION, (1, 14)),
        ("? [!x,a]a: >\n", TAG, (1, 4)),
        ("[ !x,{ |,[\n", TAG, (1, 3)),
        ("[\n# c,{ {\n!x,\n |,\n {}]", TAG, (3, 1)),
        ("[&a x, *a, {!x,, }]", TAG, (1, 13)),
        ("[a:b,!x,? ]", TAG, (1, 6)),
        ("{'s' , {*a,{{ !x,,}}}}", NO_ANCHOR, (1, 9)),
        ("[1, *a, {!x,, }]", NO_ANCHOR, (1, 5)),
    ],
)
def test_what_comes_first_is_said_first(text: str, message: str, place: tuple[int, int]) -> None:
    """Scanners read ahead by as much as they like; each of these had an answer of its own from each parser."""
    for libyaml in (True, False):
        root, problems = parse(text, libyaml=libyaml)
        assert (root, [one.message for one in problems], problems[-1].span[:2]) == (None, [message], place)


FLOW = st.recursive(
    st.sampled_from(["a", "b c", '"q"', "'s'", "", "a?", "? a", "a: b", "a:b", ":", "1", "-", "- a", "a#b", "a #b\n"]),
    lambda inner: st.tuples(st.sampled_from(["[]", "{}"]), st.lists(inner, max_size=4)).map(
        lambda both: both[0][0] + ", ".join(both[1]) + both[0][1]
    ),
)


@settings(max_examples=300, deadline=None)
@given(FLOW, st.sampled_from(["", "a: ", "- ", "x:\n  - "]))
def test_brackets_with_and_without_libyaml(flow: str, before: str) -> None:
    """What is a tree to one parser is the same tree to the other."""
    (one, first), (other, second) = (parse(before + flow, libyaml=libyaml) for libyaml in (True, False))
    assert one == other
    assert [found.code for found in first] == [found.code for found in second]


FIRST = [  # what one parser refuses as it comes by, and another only behind an error that stands later
    ('"\'" |#\n{', "the text is not YAML here", (1, 6)),
    ("k: [a, <<: POOL2?, b]\n", "merge keys (`<<`) are not part of the language", (1, 8)),
    ("[[a]: POOL2?]\n", "a key is a word, not a list or mapping", (1, 2)),
    ("k: &x !] *\n- ", "tags (`!`) are not part of the language", (1, 7)),
    ("![]\n*", "tags (`!`) are not part of the language", (1, 1)),
    ("!'!str - b\n", "tags (`!`) are not part of the language", (1, 1)),
    ("*x |#\n", "`*x` has no anchor `&x` before it", (1, 1)),
    ("&x !t {k: {a: x:?y}}\n", "tags (`!`) are not part of the language", (1, 4)),
    ("a: b\n  !c: d: e\n", "the text is not YAML here", (2, 5)),
]


@LIBYAML
@pytest.mark.parametrize(("text", "message", "place"), FIRST, ids=[text for text, *_ in FIRST])
def test_of_several_faults_the_first_is_named(text: str, message: str, place: tuple[int, int], libyaml: bool) -> None:
    assert only(text, libyaml=libyaml)[1:] == (message, place)


def test_libyaml_is_what_is_tested() -> None:
    assert yaml.__with_libyaml__, "install PyYAML with libyaml, or these tests compare the pure parser to itself"


def test_without_libyaml_the_pure_parser_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = parse("a: [1, 2]\n")
    monkeypatch.delattr(sys.modules["yaml"], "CLoader")
    assert parse("a: [1, 2]\n") == wanted
