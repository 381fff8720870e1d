"""The rules of `diff`: the possible changes of a schema, and whom they break.

A change can break three audiences. *Readers* have the new code and read old data, which may be invalid now. *Writers*
have the new code and write data for old code, which may refuse it or not understand it. *Source* is Python code that
uses the generated types: a type checker may refuse it now.

A change *could break* an audience if that needs a coincidence. A new optional property of an open object changes only
data that had an undeclared property of that very name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from miniagents.codegen.documents import Place

Audience: TypeAlias = Literal["readers", "writers", "source"]
"""Whom a change may break."""

AUDIENCES: Final[tuple[Audience, ...]] = ("readers", "writers", "source")
"""All audiences, in the order of reports."""

Severity: TypeAlias = Literal["breaks", "could-break"]
"""The certainty with which a change breaks somebody."""

SEVERITIES: Final[tuple[Severity, ...]] = ("breaks", "could-break")
"""All severities, from the most to the least severe."""

READERS: Final[tuple[Audience, ...]] = ("readers",)
WRITERS: Final[tuple[Audience, ...]] = ("writers",)
SOURCE: Final[tuple[Audience, ...]] = ("source",)
DATA: Final[tuple[Audience, ...]] = ("readers", "writers")
NOBODY: Final[tuple[Audience, ...]] = ()


def in_order(found: Collection[Audience], among: tuple[Audience, ...] = AUDIENCES) -> tuple[Audience, ...]:
    """Return audiences without repetitions, in the order of reports."""
    result: list[Audience] = [each for each in among if each in found]
    return (*result,)


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two versions of schemas.

    Attributes:
        type: The name of the definition that changed.
        rule: The name of the rule, a key of `DIFF_RULES`.
        breaks: The audiences that it breaks, in the order of `AUDIENCES`.
        old: The place in the old version; None if there was none.
        new: The place in the new version; None if there is none.
        what: The change in words.
        could_break: The audiences that it breaks only by coincidence, in the order of `AUDIENCES`.
    """

    type: str
    rule: str
    breaks: tuple[Audience, ...]
    old: Place | None
    new: Place | None
    what: str
    could_break: tuple[Audience, ...] = ()

    @property
    def concerns(self) -> tuple[Audience, ...]:
        """The audiences that it breaks or could break, in the order of `AUDIENCES`."""
        return in_order({*self.breaks, *self.could_break})


@dataclass(frozen=True, slots=True)
class Gate:
    """The changes that a comparison is held against.

    Attributes:
        audiences: The audiences that must not break.
        severity: The least severity that counts.
    """

    audiences: tuple[Audience, ...] = AUDIENCES
    severity: Severity = "breaks"

    def broken(self, change: Change) -> tuple[Audience, ...]:
        """Return the audiences because of which a change does not pass."""
        return in_order(change.breaks if self.severity == "breaks" else change.concerns, self.audiences)


DIFF_RULES: Final[dict[str, str]] = {
    "definition-added": "a new type breaks nobody: where it is used is another change",
    "definition-removed": "old data of the type cannot be read, and code that names it fails",
    "definition-renamed": "code names the type; a message is read by its name",
    "property-added": "old code with a closed object refuses it; with an open one, old data could have one like it",
    "property-removed": "a closed object refuses old data that has it; code that names it fails",
    "property-renamed": "each side looks for the name that it knows, and misses the other",
    "required-added": "old data may lack it; code that makes the object must give it",
    "required-removed": "old code expects what new data may lack; code that reads it finds it unset",
    "type-changed": "values of one type are no values of another",
    "nullable-added": "old code does not expect null",
    "nullable-removed": "old data may have null",
    "enum-value-added": "old code does not know it; code that looks at every case has one more",
    "enum-value-removed": "old data may have it; code may name it",
    "enum-added": "old data may have any other value",
    "enum-removed": "old code knows the listed values only",
    "const-changed": "old and new data do not have the same value",
    "tag-changed": "a union finds its branch by it: old data means a branch that is not there",
    "limit-tightened": "old data may be beyond the limit",
    "limit-loosened": "new data may be beyond the limit that old code knows",
    "pattern-changed": "which texts match cannot be compared",
    "format-changed": "a format that is checked refuses what does not have it",
    "extras-closed": "old data may have more properties than are declared",
    "extras-opened": "old code refuses properties that it does not know",
    "pattern-property-added": "old properties of such names get a type",
    "pattern-property-removed": "properties of such names are what any other is",
    "dependency-changed": "what one property asks of others is a condition on data",
    "branch-added": "old code does not know it; code that looks at every case has one more",
    "branch-removed": "old data may be of it; code may name it",
    "union-changed": "the values of a union that cannot be told apart are compared as a whole",
    "array-tuple-changed": "an array with places is another Python type than one with items alone",
    "contains-changed": "what an array must contain is a condition on data",
    "all-of-changed": "one condition more or less",
    "condition-changed": "`if`, `not` and `unevaluated…` are compared as a whole: any change may break both ways",
    "nothing-changed": "true and false accept all or nothing",
    "default-changed": "code that gives no value gets another one",
    "hint-changed": "hints say what the Python type is; a base also says how it is written",
    "note-changed": "descriptions, titles and examples break nobody",
    "order-changed": "what is given by position is given to another property",
    "too-different": "definitions under so many new names are not looked into: any change may break both ways",
}
"""The rules by name, each with the reason why such a change may break something."""
