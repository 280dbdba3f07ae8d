"""Records: the classes of `typing.NamedTuple`, defined in a fifth of the time.

A start of archcalc defines some sixty of them, and what `typing` and `collections` do for each (a constructor compiled,
annotations checked) was a third of its time beyond that of its libraries.  Here the constructors of all records with
equally many fields share one compiled body, under the names of their fields; the rest is one class.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from _collections import _tuplegetter as getter
    from functools import cache
    from types import FunctionType

    @cache
    def constructor(number: int) -> FunctionType:
        """What makes a tuple of `number` arguments."""
        names = "".join(f"_{place}, " for place in range(number))
        return eval(f"lambda cls, {names}: new(cls, ({names}))", {"new": tuple.__new__})  # noqa: S307 - names of ours

    class Record(tuple):
        """What all records do; each has `_fields` and `_field_defaults`."""

        __slots__ = ()

        @classmethod
        def _make(cls, values: Any) -> Any:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changes: Any) -> Any:
            made = tuple.__new__(type(self), map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)}")
            return made

        __replace__ = _replace

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._asdict().items())})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    class Fields(type):
        """Makes a record of a class that declares its fields by annotations."""

        def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return type.__new__(cls, name, bases, space)
            annotations = space.get("__annotations__", {})
            fields = tuple(annotations)
            defaults = {field: space[field] for field in fields if field in space}
            common = constructor(len(fields))
            called = f"{space['__qualname__']}.__new__"  # in messages of wrong arguments
            code = common.__code__.replace(co_varnames=("cls", *fields), co_name="__new__", co_qualname=called)
            made = FunctionType(code, common.__globals__, "__new__", tuple(defaults.values()))
            made.__annotations__ = annotations
            space.update({field: getter(place, "") for place, field in enumerate(fields)})
            space.update(__slots__=(), __new__=made, __match_args__=fields, _fields=fields, _field_defaults=defaults)
            return type.__new__(type, name, (Record,), space)

    class NamedTuple(metaclass=Fields):
        """The base of records, as `typing.NamedTuple` is."""


__all__ = ["NamedTuple"]
