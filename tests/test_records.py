"""Records behave as the classes of `typing.NamedTuple` do, which they stand in for."""

import copy
import inspect
import pickle
import typing

import pytest

from archcalc.records import NamedTuple


class Ours(NamedTuple):
    a: int
    b: str = "x"
    c: tuple[int, ...] = ()

    @property
    def twice(self) -> int:
        return 2 * self.a


class Theirs(typing.NamedTuple):
    a: int
    b: str = "x"
    c: tuple[int, ...] = ()

    @property
    def twice(self) -> int:
        return 2 * self.a


CALLS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((1,), {}),
    ((1, "y", (2,)), {}),
    ((), {"a": 1, "c": (3,)}),
    ((1,), {"b": ""}),
]
WRONG: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((), {}),
    ((1, 2, 3, 4), {}),
    ((1,), {"a": 1}),
    ((1,), {"d": 1}),
]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_made(values: tuple[object, ...], named: dict[str, object]) -> None:
    ours, theirs = Ours(*values, **named), Theirs(*values, **named)  # type: ignore[arg-type]
    assert tuple(ours) == tuple(theirs)
    assert ours == tuple(theirs)
    assert hash(ours) == hash(theirs)
    assert (ours.a, ours.b, ours.c, ours.twice) == (theirs.a, theirs.b, theirs.c, theirs.twice)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._asdict() == theirs._asdict()
    assert ours._replace(b="z") == tuple(theirs._replace(b="z"))
    assert type(ours._replace(b="z")) is type(Ours._make(ours)) is Ours
    for copied in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours), copy.copy(ours)):
        assert copied == ours
        assert type(copied) is Ours


@pytest.mark.parametrize(("values", "named"), WRONG)
def test_refused(values: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError) as theirs:
        Theirs(*values, **named)  # type: ignore[arg-type]
    with pytest.raises(TypeError) as ours:
        Ours(*values, **named)  # type: ignore[arg-type]
    assert str(ours.value).replace("Ours", "Theirs") == str(theirs.value)


def test_what_cannot_be_replaced() -> None:
    with pytest.raises(ValueError, match=r"^Got unexpected field names: \['d'\]$"):
        Ours(1)._replace(d=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"^Expected 3 arguments, got 1$"):
        Ours._make([1])
    with pytest.raises(AttributeError):
        Ours(1).a = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Ours(1).d = 2  # type: ignore[attr-defined]


def test_the_class() -> None:
    for name in ("_fields", "_field_defaults", "__match_args__", "__slots__", "__annotations__"):
        assert getattr(Ours, name) == getattr(Theirs, name), name
    ours = inspect.signature(Ours)
    assert str(ours) == str(inspect.signature(Theirs))
    match Ours(1, "y"):
        case Ours(a, b):
            assert (a, b) == (1, "y")


def test_two_records_of_one_size_are_two() -> None:
    class Other(NamedTuple):
        x: int
        y: int = 5
        z: int = 6

    assert Other(z=1, x=2) == (2, 5, 1)
    assert Ours(1) == (1, "x", ())
