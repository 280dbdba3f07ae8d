"""Hostile input through the real command line: an exit code and one line each, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runner import CliRunner

from archcalc.architecture import examine
from archcalc.cli import cli
from archcalc.diagnostics import CATALOGUE
from archcalc.formats.check.text import SHOWN, finding
from archcalc.language.specfile import SpecText

MIB = 1 << 20
ROOT = Path(__file__).parents[2]
H = "input: 64x64x3\n"
L = H + "layers:\n"


def many(head: str, unit: str, count: int, tail: str = "") -> str:
    """`head`, then `unit` with its number in the place of @, count times."""
    return head + "".join(unit.replace("@", str(i)) for i in range(count)) + tail


def full(head: str, unit: str, tail: str = "") -> str:
    """As large as a spec may be."""
    return head + unit * ((MIB - len((head + tail).encode())) // len(unit.encode())) + tail


# What it is, the text, the code (None: it is fine) and place of the first finding.
CASES: list[tuple[str, str, str | None, tuple[int, int]]] = [
    # nesting
    ("brackets", "[" * 30_000, "AC001", (1, 65)),
    ("braces", "{" * 30_000, "AC001", (1, 65)),
    ("mappings", "{a: " * 30_000, "AC001", (1, 257)),
    ("dashes", "- " * 30_000, "AC001", (1, 129)),
    ("questions", "? " * 30_000, "AC001", (1, 129)),
    ("pairs", "[a: " * 30_000, "AC001", (1, 129)),
    ("deepening", "".join(" " * i + "a:\n" for i in range(500)), "AC001", (65, 65)),
    ("pattern_groups", H + 'layers: "' + "[" * 9999 + '"\n', "AC001", (2, 74)),
    ("parentheses", L + "  - CONV1-" + "(" * 99 + "$a" + ")" * 99 + "\n", "AC120", (3, 11)),
    ("open_parentheses", L + "  - CONV1-" + "(" * 9999 + "\n", "AC106", (3, 11)),
    (
        "minuses",
        "input: 9x9x9\nvars: {a: 1}\nlayers:\n  - conv: {filters: " + "-" * 900 + "$a, kernel_size: 1}\n",
        None,
        (0, 0),
    ),
    ("joins", L + "  - " + "add: [[], [ " * 30 + "relu" + " ]]" * 30 + "\n", "AC001", (3, 251)),
    (
        "block_in_block",
        H + "blocks:\n" + "".join(f"  b{i}: [b{i + 1}: ]\n" for i in range(99)) + "  b99: [relu]\nlayers: [b0]\n",
        "AC001",
        (66, 9),
    ),
    # bombs
    ("aliases", "- &a x\n" + "- *a\n" * 200, "AC001", (102, 3)),
    (
        "alias_bomb",
        "".join(f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1) if c > 'a' else 'x'] * 9)}]\n" for c in "abcdefgh"),
        "AC001",
        (6, 8),
    ),
    ("alias_cycle", "a: &a [*a]\n", "AC011", (1, 8)),
    ("merge_bomb", "a: &a {x: 1}\nb: {<<: [*a, *a]}\n", "AC011", (2, 5)),
    ("nodes", "[" + "x," * 200_000 + "]", "AC001", (1, 200_000)),
    (
        "block_bomb",
        H
        + "blocks:\n"
        + "".join(f"  b{i}: [b{i + 1}: , b{i + 1}: ]\n" for i in range(40))
        + "  b40: [relu]\nlayers: [b0]\n",
        "AC130",
        (26, 16),
    ),
    (
        "block_bomb_of_nothing",
        H
        + "blocks:\n"
        + "".join(f"  b{i}: [b{i + 1}: , b{i + 1}: ]\n" for i in range(60))
        + "  b60: []\nlayers: [b0]\n",
        "AC130",
        (46, 16),
    ),
    (
        "block_repeats_of_nothing",
        H
        + "blocks:\n"
        + "".join(f"  b{i}: [{{repeat: 1000, layers: [b{i + 1}: ]}}]\n" for i in range(20))
        + "  b20: []\nlayers: [b0]\n",
        "AC130",
        (21, 9),
    ),
    ("repeats", L + '  - "' + "[" * 60 + "RELU" + "]*9" * 60 + '"\n', "AC130", (3, 60)),
    ("repeats_of_nothing", L + '  - "' + "[" * 60 + "RELU" + "]*0" + "]*9" * 59 + '"\n', "AC130", (3, 59)),
    (
        "repeats_with_i",
        L + "  - " + "{repeat: 1000, layers: [" * 10 + "{repeat: $i - $i, layers: [relu]}" + "]}" * 10 + "\n",
        "AC130",
        (3, 197),
    ),
    ("repeat_huge", L + "  - {repeat: 999999999999999999, layers: [relu]}\n", "AC130", (3, 5)),
    (
        "general_of_nothing",
        'input: 9x9x9\npattern: "' + "[" * 20 + "RELU" + "]*0" + "]*99999" * 19 + '"\nwith: {RELU: {}}\n',
        "AC130",
        (2, 29),
    ),
    ("general_huge", 'input: 9x9x9\npattern: "[RELU]*99999999"\nwith: {RELU: {}}\n', "AC130", (2, 11)),
    (
        "variables",
        H + "vars: {" + "".join(f"v{i}: 1, " for i in range(300)) + "}\nlayers: [relu]\n",
        "AC001",
        (2, 2202),
    ),
    ("channels_double", L + "  - repeat: 5000\n    layers: [concat: [[], []]]\n", "AC204", (4, 14)),
    (
        "jumps_grow",
        "input: 2147483647x9x1\nlayers:\n  - repeat: 3000\n    layers: [pool: {kernel_size: 3, stride: 2147483647, padding: same}]\n",
        None,
        (0, 0),
    ),
    ("from_nowhere", L + "  - repeat: 20000\n    layers: [{relu: {from: nowhere}}]\n", "AC303", (4, 28)),
    # encodings and characters
    *[
        (f"control_{ord(c):x}", f"name: a{c}b\n", "AC003", (1, 8))
        for c in "\0\1\7\b\t\v\f\x0e\x1b\x1f\x7f\x80\x85\x9b\x9f"
    ],
    *[
        (f"escaped_{ord(c):x}", f'name: "a\\x{ord(c):02x}b"\n', "AC003", (1, 9))
        for c in "\0\1\7\b\t\v\f\x1b\x7f\x80\x9b"
    ],
    *[
        (f"bidi_{ord(c):x}", f"name: a{c}b\n", "AC003", (1, 8))
        for c in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff"
    ],
    *[
        (f"escape_{i}", f'name: "a{e}b"\n', "AC003", (1, 9))
        for i, e in enumerate(
            [
                "\\q",
                "\\x",
                "\\xg0",
                "\\u12",
                "\\ud800",
                "\\udfff",
                "\\U00110000",
                "\\UFFFFFFFF",
                "\\L",
                "\\P",
                "\\N",
                "\\e",
                "\\u2067",
            ]
        )
    ],
    ("tab_indent", "layers:\n\t- relu\n", "AC003", (2, 1)),
    ("bom_twice", "\ufeff\ufeffinput: 3x3x3\n", "AC003", (1, 1)),
    # YAML that a spec does not use
    ("python_tag", "!!python/object/apply:os.system ['id']\n", "AC011", (1, 1)),
    ("binary_tag", "name: !!binary aGk=\n", "AC011", (1, 7)),
    ("local_tag", "name: !x y\n", "AC011", (1, 7)),
    ("directive", "%YAML 9.9\n---\na: 1\n", "AC011", (1, 1)),
    ("documents", "a: 1\n--- {}\n", "AC011", (2, 1)),
    ("complex_key", "? [a]\n: b\n", "AC011", (1, 3)),
    ("key_null", "? \n: b\n" + L + "  - relu\n", "AC102", (1, 2)),
    # numbers
    *[
        (f"number_{i}", L + f"  - conv: {{filters: {n}, kernel_size: 1}}\n", "AC104", (3, 21))
        for i, n in enumerate(
            [
                "0",
                "-1",
                "017",
                "0o17",
                "0x1F",
                "0b1",
                "1e3",
                "1e999",
                ".inf",
                ".nan",
                "1.5",
                "1:30",
                "yes",
                "no",
                "on",
                "~",
                "null",
                "9" * 19,
                "9" * 5000,
                "1_",
                "_1",
                "1__0",
                "\u0663",
                "\u00b2",
                "+",
                "1 1",
                "1+1",
                "2147483648",
                "''",
                "[]",
                "{}",
                "true",
                "1_000_000_000_000_000_000",
            ]
        )
    ],
    *[
        (
            f"expression_{i}",
            H + "vars: {a: 1}\nlayers:\n" + f'  - conv: {{filters: "{e}", kernel_size: 1}}\n',
            code,
            (4, 21),
        )
        for i, (e, code) in enumerate(
            [
                ("$b", "AC120"),
                ("$a/2", "AC120"),
                ("$a//0", "AC120"),
                ("$a%0", "AC120"),
                ("$a**9**9**9", "AC120"),
                ("(9*$a)**9**9**9", "AC120"),
                ("($a", "AC120"),
                ("$a)", "AC120"),
                ("$a$a", "AC120"),
                ("$", "AC120"),
                ("$a+", "AC120"),
                ("$a.__class__", "AC120"),
                ("__import__('os')$a", "AC120"),
                ("999999999999999999*$a*99", "AC120"),
                ("$a" + "+$a" * 9999, "AC104"),
                ("0-$a", "AC104"),
                ("(" * 40 + "$a" + ")" * 40, "AC120"),
            ]
        )
    ],
    *[
        (f"input_{i}", f"input: {v}\nlayers: [relu]\n", "AC104", (1, 8))
        for i, v in enumerate(
            [
                "0x3x3",
                "-1x3x3",
                "3x3",
                "3x3x3x3",
                "axbxc",
                "2147483648x1x1",
                "9" * 99 + "x1x1",
                "x" * 9999,
                "'3" + " " * 9999 + "3'",
            ]
        )
    ],
    ("volume_overflow", "input: 2147483647x2147483647x2147483647\nlayers: [flatten]\n", "AC204", (2, 10)),
    ("padding_huge", L + "  - CONV3-4p2147483647\n", "AC204", (3, 5)),
    # names that carry something else
    *[
        (f"name_{i}", L + f"  - relu: {{name: {json.dumps(n, ensure_ascii=False)}}}\n", "AC107", (3, 18))
        for i, n in enumerate(
            [
                "[bold]x[/bold]",
                "::error file=x::y",
                "a\nb",
                "<script>alert(1)</script>",
                "]]>",
                "&lt;",
                "=cmd|' /C calc'!A0",
                "+1",
                "-1",
                "@x",
                "a,b",
                'a"b',
                "a" * 129,
                "",
                " ",
                "a b",
                "../../etc/passwd",
                "1a",
                "\u0430",
                "a\u0301",
                "\U0001f600",
                "%0A",
                "|x|",
                "`x`",
                "$(id)",
                "{{x}}",
            ]
        )
    ],
    *[
        (f"type_{i}", L + f"  - {json.dumps(n)}: {{}}\n", "AC105", (3, 5))
        for i, n in enumerate(
            ["[/bold]", "::error::x", "\u001f600"[1:], "<b>", "x" * 999, "", " ", "__class__", "Layer"]
        )
    ],
    # patterns
    *[
        (f"pattern_{i}", L + f"  - {json.dumps(p, ensure_ascii=False)}\n", code, (3, column))
        for i, (p, code, column) in enumerate(
            [
                ("->", "AC106", 6),
                ("RELU ->", "AC106", 11),
                ("-> RELU", "AC106", 6),
                ("RELU -> -> RELU", "AC106", 14),
                ("]", "AC106", 6),
                ("[", "AC106", 6),
                ("[]*", "AC106", 8),
                ("[RELU]*-1", "AC106", 12),
                ("RELU*3", "AC106", 10),
                ("RELU RELU", "AC106", 11),
                ("CONV3-", "AC106", 11),
                ("CONV3-4s", "AC106", 13),
                ("CONV3-4s2s2", "AC106", 15),
                ("CONV3-4z1", "AC106", 13),
                ("INPUT[3x3]", "AC106", 11),
                ("INPUT[3x3x3", "AC106", 11),
                ("RELU -> INPUT[3x3x3]", "AC101", 14),
                ("\u202f", "AC101", 5),
                ("\U0001f600", "AC106", 6),
                ("\U000a0000", "AC106", 6),
                ("CONV" + "s3" * 9999, "AC106", 12),
                ("a" * 99_999, "AC105", 6),
                ("conv" * 9999, "AC106", 10),
                ("RELU" + "?" * 9999, None, 0),
                ("[RELU]*[RELU]", "AC106", 12),
            ]
        )
    ],
    ("script_injection", L + '  - "RELU -> <script>"\n', "AC106", (3, 14)),
    # composition
    ("share_unknown", L + "  - conv: {filters: 1, kernel_size: 1, share: x}\n", "AC303", (3, 47)),
    ("share_itself", L + "  - conv: {name: x, filters: 1, kernel_size: 1, share: x}\n", "AC307", (3, 56)),
    ("share_number", L + "  - conv: {filters: 1, kernel_size: 1, share: 1}\n", "AC107", (3, 47)),
    ("share_input", L + "  - conv: {filters: 1, kernel_size: 1, share: input}\n", "AC308", (3, 47)),
    (
        "share_in_a_circle",
        L + many("", "  - bn: {name: n@, share: m@}\n  - bn: {name: m@, share: n@}\n", 999),
        "AC306",
        (3, 27),
    ),
    ("cap_share_repeat_at_the_cap", L + "  - {repeat: 99999, share: true, layers: [CONV1-3]}\n", None, (0, 0)),
    ("share_repeat_over_the_cap", L + "  - {repeat: 50001, share: true, layers: [CONV1-3, BN]}\n", "AC130", (3, 5)),
    ("share_repeat_grows", L + "  - {repeat: 100, share: true, layers: ['[CONV1-3]*$i']}\n", "AC309", (3, 5)),
    ("cap_share_repeat_grows", L + "  - {repeat: 400, share: true, layers: ['[CONV1-3]*$i']}\n", "AC130", (3, 5)),
    (
        "cap_shares_of_shares",
        L + "  - " + "{repeat: 2, share: true, layers: [" * 16 + "BN" + "]}" * 16 + "\n",
        None,
        (0, 0),
    ),
    ("cap_outputs_unknown", many(L + "  - relu\noutputs: [", "n@, ", 50_000, "relu1]\n"), "AC303", (4, 11)),
    (
        "cap_outputs_all",
        many(L, "  - shuffle: {name: n@, groups: 1}\n", 9000, many("outputs: [", "n@, ", 8999, "n8999]\n")),
        None,
        (0, 0),
    ),
    ("cap_outputs_starred", L + "  - {repeat: 99999, name: n, layers: [RELU]}\noutputs: [n*]\n", None, (0, 0)),
    ("like_itself", L + "  - upsample: {name: u, like: u}\n", "AC307", (3, 31)),
    ("like_a_circle", L + "  - crop: {name: u, like: v}\n  - crop: {name: v, like: u}\n", "AC307", (3, 27)),
    ("like_later", L + "  - crop: {name: u, like: v}\n  - relu: {name: v, from: input}\n", "AC306", (3, 27)),
    ("cap_like_many", L + "  - {repeat: 49999, layers: [upsample: {like: input}, RELU]}\n", None, (0, 0)),
    ("fraction", L + "  - upsample: {factor: 999999999/999999998}\n", None, (0, 0)),
    ("fraction_of_nothing", L + "  - upsample: {factor: 1/0}\n", "AC104", (3, 24)),
    ("fraction_long", L + f"  - upsample: {{factor: {'9' * 99999}/7}}\n", "AC104", (3, 24)),
    ("powers", H + "vars: {a: 9}\nlayers:\n  - CONV1-($a**$a**$a**$a)\n", "AC120", (4, 11)),
    ("powers_many", H + "vars: {a: 9}\nlayers:\n  - CONV1-($a" + "**0" * 400 + ")\n", "AC104", (4, 11)),
    (
        "cap_passes_of_passes",
        L + "  - {repeat: 2000, name: n, layers: [add: {inputs: [input, n*, n*]}]}\n",
        "AC130",
        (3, 38),
    ),
    (
        "cap_passes_many",
        many(L + "  - {repeat: 9999, name: n, layers: [RELU]}\n", "  - add: {inputs: [n*]}\n", 9999),
        "AC130",
        (103, 5),
    ),
    ("cap_passes_unknown", many(L, "  - add: {inputs: [n@*, m@*]}\n", 9000), "AC303", (3, 20)),
    ("template_long", L + f"  - {{repeat: 12, name: a{'$i' * 126}, layers: [RELU]}}\n", "AC107", (3, 24)),
    ("template_large", H + f"vars: {{n: {10**17}}}\nlayers:\n  - relu: {{name: a{'$n' * 60}}}\n", "AC107", (4, 18)),
    ("cap_templates_many", L + "  - {repeat: 99999, name: a$i.$i.$i, layers: [RELU]}\n", None, (0, 0)),
    ("if_deep", L + "  - " + "{if: 1, layers: [" * 70 + "relu" + "]}" * 70 + "\n", "AC001", (3, 532)),
    ("cap_if_many", L + "  - {repeat: 99999, layers: [{if: $i == 1, layers: [RELU]}]}\n", "AC130", (3, 5)),
    ("cap_if", L + "  - {repeat: 10000, layers: [{if: $i == 1, layers: [RELU]}]}\n", None, (0, 0)),
    ("cap_from_many", L + "  - {repeat: 99999, layers: [from: input]}\n", None, (0, 0)),
    (
        "cap_names_through_blocks",
        many(
            H + "blocks:\n",
            "  b@: {vars: {s: }, layers: [c@: {s: $s}]}\n  c@: {vars: {s: }, layers: [from: $s]}\n",
            2000,
        )
        + many("layers: [relu", ", b@: {s: input}", 2000, "]\n"),
        None,
        (0, 0),
    ),
    (
        "cap_names_through_a_chain",
        many(H + "blocks:\n", "  b@: {vars: {s: }, layers: [c@: {s: $s}]}\n", 4000).replace("[c", "[n")
        + "  z: [relu]\nlayers: [z]\n",
        "AC105",
        (3, 30),
    ),
    ("extends_bomb", "extends: zoo:vgg16\nappend: [{repeat: 100000, layers: [RELU]}]\n", "AC130", (2, 10)),
    ("replaced_bomb", "extends: zoo:vgg16\nreplace: {fc1: [{repeat: 100000, layers: [RELU]}]}\n", "AC130", (2, 11)),
    ("cap_replaced_unknown", many("extends: zoo:vgg16\nreplace: {", "n@: [], ", 15_000, "x: []}\n"), "AC303", (2, 11)),
    ("extends_outside", "extends: zoo:../../etc/passwd\n", "AC140", (1, 10)),
    ("extends_what_extends", "extends: zoo:resnet101\n", "AC140", (1, 10)),
    # at the size cap
    ("cap_pattern", full(H + 'layers: "', "RELU -> ", 'RELU"\n'), "AC001", (2, 9)),
    ("cap_word", H + 'layers: "' + "a" * (MIB - 100) + '"\n', "AC105", (2, 10)),
    ("cap_suffixes", H + 'layers: "CONV' + "s3" * (MIB // 2 - 100) + '"\n', "AC106", (2, 16)),
    ("cap_same", H + 'layers: "CONV' + "ssame" * (MIB // 5 - 100) + '!"\n', "AC106", (2, 19)),
    ("cap_spaces", 'layers: [relu]\ninput: "3' + " " * (MIB - 100) + '3"\n', "AC104", (2, 8)),
    ("cap_digits", "layers: [relu]\ninput: " + "9" * (MIB - 100) + "\n", "AC104", (2, 8)),
    ("cap_escapes", 'name: "' + "\\x41" * (MIB // 4 - 100) + '\\0"\n', "AC003", (1, 8 + 4 * (MIB // 4 - 100))),
    ("cap_items", full(L, "  - relu\n"), "AC001", (99_998, 5)),
    ("cap_unknown_types", many(L, "  - x@\n", 90_000), "AC105", (3, 5)),
    ("cap_unknown_keys", many(H + "layers: [relu]\n", "kez@: 1\n", 49_000), "AC102", (3, 1)),
    ("cap_bad_patterns", full(L, "  - R -> ]\n"), "AC106", (3, 7)),
    ("cap_duplicates", full(H, "a: 1\n"), "AC001", (50_000, 4)),
    ("cap_duplicate_names", many(L, "  - relu: {name: a}\n", 14_000), "AC302", (4, 18)),
    ("cap_from", many(L, "  - relu: {name: n@, from: z@}\n", 11_000), "AC303", (3, 28)),
    ("cap_misfits", many("input: 224x224x3\nlayers:\n  - concat:\n", "    - CONV11-96s4\n", 14_000), "AC201", (4, 17)),
    ("cap_forgotten_quotes", full(L, "  - [CONV3-64 -> RELU]*2\n"), "AC010", (3, 5)),
    ("cap_forgotten_line", H + "layers: [" + "[RELU]*2, " * 90_000 + "]\n", "AC010", (2, 9)),
    ("cap_empty_values", "{" + many("", "a@: \n ,", 45_000) + "}", "AC102", (1, 2)),
    ("cap_comments", full(L + "  - relu\n", "# x\n"), None, (0, 0)),
    ("cap_blanks", full(L + "  - relu\n", "\n"), None, (0, 0)),
    ("cap_unclosed", H + "layers: [relu\n" + "\n " * (MIB // 2 - 100), "AC010", (2, 14)),
    ("cap_over", "x" * (MIB + 1), "AC001", (1, 1)),
]
RUNNER = CliRunner()


@pytest.mark.parametrize(("what", "text", "code", "place"), CASES, ids=[case[0] for case in CASES])
def test_text(what: str, text: str, code: str | None, place: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    began = time.process_time()
    result = RUNNER.invoke(cli, ["check", str(path)], standalone_mode=False)
    took = time.process_time() - began
    assert result.exception is None, result.output
    assert result.return_value == (0 if code is None else 1)
    assert "Traceback" not in result.output
    assert took < 30, "it hangs"  # how fast it is, the benchmark says: machines are shared
    lines = result.output.split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(len(line) < 1500 for line in lines)
    headlines = [line for line in lines if line.startswith(str(path))]
    if code:
        errors = [line for line in headlines if ": warning[" not in line and ": info[" not in line]
        assert errors[0].startswith(f"{path}:{place[0]}:{place[1]}: error[{code}]: ")
    assert len(headlines) <= SHOWN + 1


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 150
    assert len({case[0] for case in CASES}) == len(CASES)


# -- as processes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "reason"), [("<&-", "it is closed"), ("0>/dev/null", "Bad file descriptor")])
def test_a_standard_input_that_cannot_be_read(given: str, reason: str) -> None:
    command = f'exec "{sys.executable}" -m archcalc check - {given}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"archcalc: cannot read standard input: {reason}\n"


def run(*arguments: str, python: tuple[str, ...] = (), stdin: bytes = b"", **options: object) -> tuple[int, str, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}  # type: ignore[dict-item]
    done = subprocess.run(
        [sys.executable, *python, "-m", "archcalc", *arguments],
        input=stdin,
        capture_output=True,
        timeout=30,
        check=False,
        env=environment,
        **options,  # type: ignore[call-overload]
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


GOOD = (L + "  - relu\n").encode()


def test_files_that_are_none(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(100 * MIB)
    secret = tmp_path / "secret.yaml"
    secret.write_bytes(GOOD)
    secret.chmod(0)
    dangling = tmp_path / "dangling.yaml"
    dangling.symlink_to(tmp_path / "nowhere")
    for name, code, words in [
        (str(fifo), 1, "the spec is empty"),
        (str(large), 1, "more than 1,048,576 bytes"),
        ("/dev/zero", 1, "more than 1,048,576 bytes"),
        ("/dev/null", 1, "the spec is empty"),
        (str(dangling), 2, "No such file"),
        (str(tmp_path / "vanished.yaml"), 2, "No such file"),
        ("a\x1b[31m.yaml", 2, "\\x1b"),
        ("x" * 5000, 2, "too long"),
        ("zoo:../../etc/passwd", 2, "the zoo has no"),
        ("", 2, "cannot read"),
    ]:
        result = RUNNER.invoke(cli, ["check", name], standalone_mode=False)
        assert result.exception is None
        assert result.return_value == code, name
        assert words in result.output
        assert all(line.isprintable() for line in result.output.split("\n"))
    if os.geteuid():
        result = RUNNER.invoke(cli, ["check", str(secret)], standalone_mode=False)
        assert result.return_value == 2
        assert "Permission denied" in result.output


def test_memory_of_the_worst(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(full(L, "  - relu\n"))
    # in a child of a small process: a child's figure begins with what its parent held when it forked
    measure = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run([sys.executable, '-m', 'archcalc', 'check', sys.argv[1]], capture_output=True).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    told = subprocess.run([sys.executable, "-c", measure, str(path)], check=True, capture_output=True, text=True).stdout
    code, kibibytes = map(int, told.split())
    assert code == 1
    assert kibibytes < 400 * 1024


@pytest.mark.parametrize("python", [(), ("-O",), ("-X", "utf8=0")])
@pytest.mark.parametrize(
    "env", [{}, {"LC_ALL": "C"}, {"COLUMNS": "0"}, {"COLUMNS": "x"}, {"PYTHONIOENCODING": "ascii"}, {"TERM": ""}]
)
def test_surroundings(python: tuple[str, ...], env: dict[str, str]) -> None:
    if python and env:
        pytest.skip("one thing at a time")
    bad = (H + "name: \u6f22\nlayers: [\u00e9\u6f22]\n").encode()
    code, out, err = run("check", "-", python=python, env=env, stdin=bad)
    assert (code, err) == (1, "")
    assert out.startswith("<stdin>:3:10: error[AC106]: `")


def test_isolated_python_and_a_yaml_py_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('the wrong yaml')\n")
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from archcalc.cli import main; sys.argv = ['archcalc', 'check', '-']; main()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], input=GOOD, capture_output=True, cwd=tmp_path, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert b"ok" in done.stdout


def test_output_that_goes_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(many(L, "  - x@\n", 3000))
    command = f"{sys.executable} -m archcalc check {path}"
    for shell, code in [
        (f"{command} | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}", {1, 141}),
        (f"{command} >/dev/full", {2}),
        (f"{command} >&-", {1}),
        (f"{command} >&- 2>&-", {1}),
    ]:
        done = subprocess.run(
            ["bash", "-c", shell],
            capture_output=True,
            check=False,
            timeout=30,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode in code, (shell, done)
        assert b"Traceback" not in done.stderr
        assert done.stderr.count(b"\n") <= 1


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started in the background ignores interrupts, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt(tmp_path: Path) -> None:
    for delay in (0.7, 5.0, 20.0):  # until it waits for standard input, which takes longer on a busy machine
        process = subprocess.Popen(
            [sys.executable, "-m", "archcalc", "check", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        if process.returncode == 130:
            break
    assert process.returncode == 130
    assert b"Traceback" not in err


# -- anything at all -------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "input: 9x9x3\n",
        "layers:\n",
        "  - ",
        "relu",
        "conv: ",
        "{filters: 3, kernel_size: 3}",
        "CONV3-4",
        " -> ",
        "[",
        "]",
        "*2",
        "?",
        "\n",
        "pattern: ",
        "vars: ",
        "{N: 2}\n",
        "with: ",
        "blocks:\n",
        "  b: ",
        "repeat: 2\n",
        "    layers: ",
        "$N",
        "&a ",
        "*a",
        '"',
        "'",
        "add: [[], [",
        "name: a",
        "from: a",
        "\u00e9",
        "\U0001f600",
        "#",
        ": ",
        ", ",
        "POOL2",
        "FC-3",
        "defaults: ",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40), st.booleans())
def test_only_diagnostics_come_out(text: str, pattern: bool) -> None:
    found = examine(SpecText("x", text, pattern=pattern))
    assert found.diagnostics or found.report.complete
    for one in found.diagnostics:
        assert one.code in CATALOGUE
        assert 1 <= one.span.line <= len(found.document.lines)
        assert 1 <= one.span.column <= len(found.document.lines[one.span.line - 1]) + 1
        assert all(line.isprintable() for line in finding("x", one, found.document.lines).split("\n"))
