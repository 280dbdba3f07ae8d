"""Sizes as people write them."""

import pytest

from archcalc.units import read_size


@pytest.mark.parametrize(
    ("text", "bytes"),
    [
        ("11 GiB", 11 * 2**30),
        ("11GB", 11 * 10**9),
        (" 1.5 GiB ", 3 * 2**29),
        ("0.1 KiB", 102),
        ("512 B", 512),
        ("1_000 kB", 10**6),
        ("1000 KB", 10**6),
        ("2 TiB", 2**41),
    ],
)
def test_sizes(text: str, bytes: int) -> None:
    assert read_size(text) == bytes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("11 G", "a bare G is 10^9 to some and 2^30 to others; write `11 GB` or `11 GiB`"),
        ("1.5m", "a bare m is 10^6 to some and 2^20 to others; write `1.5 MB` or `1.5 MiB`"),
        ("11", "`11` has no unit; write `11 GiB`, or `11 B` for bytes"),
        ("11 Gb", "Gb is no unit of size; there are B, kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB"),
        ("-1 GiB", "a size is a number and a unit, like `11 GiB` or `800 MB`"),
        ("9" * 19 + " B", "a size is a number and a unit, like `11 GiB` or `800 MB`"),
        ("", "a size is a number and a unit, like `11 GiB` or `800 MB`"),
    ],
)
def test_what_is_not_clear_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_size(text)
    assert str(caught.value) == message
