"""Unite several forms: equal alternatives, and alternatives of one kind of scalar, become one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from miniagents.codegen.model import Anything, Choice, Form, Named, OneOf, Scalar, within

NULL = Scalar("null")
"""The form of null."""


def united(forms: Sequence[Form], *, exclusive: bool) -> tuple[Form, bool]:
    """Return the union of some forms, and whether it is exact.

    Args:
        forms: The forms, at least one.
        exclusive: Whether a value that fits two of them must be refused.
    """
    group = _Group()
    for form in forms:
        for each in form.forms if isinstance(form, OneOf) else (form,):
            group.add(each)
    if Anything() in group.others:
        # what holds classes is said as well; scalars are a part of anything, for readers and for decoding
        typed = [form for form in group.others if any(isinstance(part, Named) for part in within(form))]
        open_form = OneOf((*typed, Anything())) if typed else Anything()
        return open_form, not exclusive or group.count == 1
    result = group.result()
    is_exact = group.is_exact and not (exclusive and group.overlaps)
    return (result[0] if len(result) == 1 else OneOf(tuple(result))), is_exact


@dataclass(slots=True)
class _Group:
    """Alternatives by their kinds.

    Attributes:
        values: Texts and integers that are allowed one by one.
        strings: Texts with their limits.
        numbers: Numbers and integers with their limits.
        others: Everything else but null.
        has_null: Whether null is allowed.
        count: The number of alternatives.
        overlaps: Whether two alternatives may accept the same value.
        is_exact: Whether the result accepts only values that one of the alternatives accepts.
    """

    values: dict[str | int, None] = field(default_factory=dict[str | int, None])
    strings: dict[Scalar, None] = field(default_factory=dict[Scalar, None])
    numbers: dict[Scalar, None] = field(default_factory=dict[Scalar, None])
    others: dict[Form, None] = field(default_factory=dict[Form, None])
    has_null: bool = False
    count: int = 0
    overlaps: bool = False
    is_exact: bool = True

    def add(self, form: Form) -> None:
        """Add an alternative."""
        self.count += 1
        if isinstance(form, Choice):
            for value in form.values:
                if value is None:
                    self._null()
                else:
                    self.overlaps = self.overlaps or value in self.values
                    self.values[value] = None
        elif form == NULL:
            self._null()
        elif isinstance(form, Scalar) and form.kind == "string":
            self.overlaps = self.overlaps or bool(self.strings)
            self.strings[form] = None
        elif isinstance(form, Scalar) and form.kind in {"integer", "number"}:
            self.overlaps = self.overlaps or bool(self.numbers)
            self.numbers[form] = None
        else:
            self.overlaps = self.overlaps or form in self.others
            self.others[form] = None

    def result(self) -> list[Form]:
        """Return the united alternatives: values, scalars, others, null."""
        texts = [value for value in self.values if isinstance(value, str)]
        integers = [value for value in self.values if not isinstance(value, str)]
        scalars = [*self._one(self.strings, texts), *self._one(self.numbers, integers)]
        kinds = {scalar.kind for scalar in scalars}
        values = tuple(
            value
            for value in self.values
            if not kinds & ({"string"} if isinstance(value, str) else {"integer", "number"})
        )
        choice = [Choice(values)] if values else []
        return [*choice, *scalars, *self.others, *([NULL] if self.has_null else [])]

    def _null(self) -> None:
        self.overlaps = self.overlaps or self.has_null
        self.has_null = True

    def _one(self, scalars: dict[Scalar, None], values: Sequence[str | int]) -> list[Scalar]:
        """Unite scalars of one kind, and listed values of that kind, to one scalar."""
        if not scalars:
            return []
        self.overlaps = self.overlaps or bool(values)
        if len(scalars) == 1 and not values:
            return [*scalars]
        kinds = {scalar.kind for scalar in scalars}
        widest = Scalar("number") if "number" in kinds else Scalar(next(iter(scalars)).kind)
        self.is_exact = self.is_exact and widest in scalars
        return [widest]
