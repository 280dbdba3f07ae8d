"""Which elements of two sequences belong together: a longest common subsequence, found in linear-ish time.

Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1, 1986: the time grows with the number
of differences, not with the product of the lengths.
"""

from bisect import bisect_left
from collections.abc import Hashable, Sequence

MOST = 256  # differences that are looked through before the best way so far is taken

Pairs = list[tuple[int, int]]
_Chain = (
    tuple["_Chain | None", int, int, int] | None
)  # what came before; a run of equal elements: start in a, in b, length


def common(a: Sequence[Hashable], b: Sequence[Hashable], *, give_up: bool = False) -> Pairs | None:
    """Positions of equal elements, in order and as many as possible.

    Beyond MOST differences it is None (`give_up`), or the search goes on from where the way with the most
    progress had led: then the time stays within (len(a) + len(b)) * MOST, and the result may not be the longest.
    """
    pairs: Pairs = []
    x = y = 0
    while x < len(a) and y < len(b):
        chain, x, y, done = _search(a, b, x, y)
        if give_up and not done:
            return None
        pairs += _pairs(chain)
    return pairs


def _search(a: Sequence[Hashable], b: Sequence[Hashable], x0: int, y0: int) -> tuple[_Chain, int, int, bool]:
    """From (x0, y0): the runs of equal elements on the way, where it leads, and whether that is the end of both."""
    n, m = len(a), len(b)
    furthest: dict[int, int] = {1: x0}  # on every diagonal x - y = x0 - y0 + k
    chains: dict[int, _Chain] = {1: None}
    best: tuple[_Chain, int, int] = None, x0, y0
    for differences in range(MOST + 1):
        for k in range(-differences, differences + 1, 2):
            if k == -differences or (k != differences and furthest[k - 1] < furthest[k + 1]):
                x, chain = furthest[k + 1], chains[k + 1]
            else:
                x, chain = furthest[k - 1] + 1, chains[k - 1]
            y = x - x0 - k + y0
            start = x
            while x < n and y < m and a[x] == b[y]:
                x += 1
                y += 1
            if x > start:
                chain = chain, start, y - (x - start), x - start
            furthest[k], chains[k] = x, chain
            if x >= n and y >= m:
                return chain, n, m, True
            if x <= n and y <= m and x + y > best[1] + best[2]:
                best = chain, x, y
    return *best, False


def _pairs(chain: _Chain) -> Pairs:
    runs = []
    while chain is not None:
        chain, x, y, length = chain
        runs.append(zip(range(x, x + length), range(y, y + length), strict=True))
    return [pair for run in reversed(runs) for pair in run]


def longest_increase(places: Sequence[int]) -> list[int]:
    """Indices of a longest increasing subsequence, by patience sorting."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for index, place in enumerate(places):
        pile = bisect_left(tops, place)
        before.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [place]
        piles[pile : pile + 1] = [index]
    found = []
    at = piles[-1] if piles else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]
