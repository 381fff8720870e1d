"""Compile schemas to closures, the fast way to check whether a value fits.

A schema becomes a table with one entry for each class of JSON values that it allows: the remaining checks. While the
table is made, the branches of unions are sorted by the class of the value and by the properties that tell them apart.

A definition is evaluated once for each value (`Memo`), so no schema takes time exponential in the size of a value.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from miniagents.validation.below import Cell, add_items, add_members
from miniagents.validation.entries import (
    Entry,
    Seen,
    as_check,
    as_collector,
    chosen,
    dependent,
    negated,
    remembered,
    see_all,
    see_all_items,
    tagged,
    union,
)
from miniagents.validation.leaves import admitted, constraints
from miniagents.validation.survey import PREFIX, Surveyor, at_pointer, target_of
from miniagents.validation.tags import Tags
from miniagents.validation.values import CLASSES, Check, JsonValue, Memo, Schema

Table: TypeAlias = dict[type, Entry]


class Compiler:
    """Compiles the definitions of a validator to tables and checks."""

    def __init__(
        self,
        definitions: Mapping[str, JsonValue],
        predicates: Mapping[str, Callable[[JsonValue], bool]],
        surveyor: Surveyor,
    ) -> None:
        self._definitions: Mapping[str, Any] = definitions  # Any: schemas, once surveyed
        self._predicates = predicates
        self._surveyor = surveyor
        self._tags = Tags(definitions)
        self._tables: dict[tuple[str, bool], Table] = {}
        self._cells: dict[str | int, Cell] = {}
        self._entrances: dict[tuple[str, str], Cell] = {}

    def check(self, name: str, pointer: str) -> Check:
        """Return the check of the schema at a JSON pointer in a definition.

        Raises:
            KeyError: There is no schema at the pointer.
        """
        if (name, pointer) not in self._entrances:
            schema = at_pointer(self._definitions[name], pointer)
            if not isinstance(schema, bool | dict):
                raise KeyError(pointer)
            self._entrances[name, pointer] = self.cell(schema if pointer else {"$ref": PREFIX + name})
        return self._entrances[name, pointer].check

    def cell(self, schema: Schema) -> Cell:
        """Return the cell of a schema for a part of a value; each schema has one cell."""
        reference = schema.get("$ref") if isinstance(schema, dict) and len(schema) == 1 else None
        if reference is not None and reference not in self._predicates:
            name = target_of(reference)
            return self._cells.setdefault(name, Cell(lambda: _check_of(self._referred(name, collecting=False))))
        return self._cells.setdefault(id(schema), Cell(lambda: _check_of(self.table(schema, collecting=False))))

    def table(self, schema: Schema, *, collecting: bool) -> Table:
        """Return the table of a schema.

        Args:
            schema: A schema that the surveyor has accepted.
            collecting: Whether the entries must collect the properties and items that were evaluated.
        """
        if isinstance(schema, bool):
            return {cls: Entry() for cls in CLASSES if schema}
        leftovers = [name for name in ("unevaluatedItems", "unevaluatedProperties") if name in schema]
        within = collecting or bool(leftovers)
        table = {cls: Entry(checks) for cls, checks in admitted(schema).items()}
        for leaf in constraints(schema):
            for cls in leaf.classes:
                if cls in table:
                    table[cls].checks.append(leaf.accepts)
        if dict in table:
            add_members(table[dict], schema, self.cell, collecting=within)
        if list in table:
            add_items(table[list], schema, self.cell, collecting=within)
        self._apply_in_place(table, schema, collecting=within)
        for cls, keyword in ((dict, "unevaluatedProperties"), (list, "unevaluatedItems")):
            if cls in table and (keyword in schema or within is not collecting):
                table[cls] = self._without_leftovers(table[cls], cls, schema.get(keyword), collecting=collecting)
        return table

    # --- keywords that apply schemas to the value itself ---

    def _apply_in_place(self, table: Table, schema: dict[str, Any], *, collecting: bool) -> None:  # Any: a schema
        if "$ref" in schema:
            _intersect(table, self._reference(schema["$ref"], collecting=collecting))
        for branch in schema.get("allOf", ()):
            _intersect(table, self.table(branch, collecting=collecting))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                _intersect(table, self._union(keyword, schema[keyword], collecting=collecting))
        if "not" in schema:
            for cls, entry in self.table(schema["not"], collecting=False).items():
                if entry.is_empty():
                    table.pop(cls, None)
                elif cls in table:
                    table[cls].checks.append(negated(as_check(entry)))
        if "if" in schema:
            _intersect(table, self._conditional(schema, collecting=collecting))
        if "dependentSchemas" in schema and dict in table:
            for name, branch in schema["dependentSchemas"].items():
                table[dict].add(dependent(name, self.table(branch, collecting=collecting).get(dict)))

    def _reference(self, reference: str, *, collecting: bool) -> Table:
        if reference not in self._predicates:
            return self._referred(target_of(reference), collecting=collecting)
        accepts = self._predicates[reference]
        table = {cls: Entry([lambda value, _: accepts(value)]) for cls in CLASSES}
        if collecting:
            table[dict].collectors.append(see_all)
            table[list].collectors.append(see_all_items)
        return table

    def _referred(self, name: str, *, collecting: bool) -> Table:
        """Return the table of a definition; its entries cache their results where that may save much time."""
        table = self._tables.get((name, collecting))
        if table is not None:
            return table
        table = self.table(self._definitions[name], collecting=collecting)
        references = self._surveyor.surveyed(name).references
        in_place = any(each.is_in_place for each in references)
        for cls, entry in table.items():
            if (in_place or (references and cls in (dict, list))) and not entry.is_empty():
                table[cls] = remembered(entry)
        self._tables[name, collecting] = table
        return table

    def _union(self, keyword: str, branches: list[Schema], *, collecting: bool) -> Table:
        exactly_one = keyword == "oneOf"
        tables = [self.table(branch, collecting=collecting) for branch in branches]
        result: Table = {}
        for cls in CLASSES:
            entries = {place: table[cls] for place, table in enumerate(tables) if cls in table}
            if not entries:
                continue
            found = self._tags.of_branches([branches[place] for place in entries]) if cls is dict else None
            if found is None or len(entries) == 1:
                result[cls] = union(list(entries.values()), exactly_one=exactly_one)
                continue
            by_tag: dict[str, list[Entry]] = {}
            for tags, entry in zip(found.tags, entries.values(), strict=True):
                for tag in sorted(tags):
                    by_tag.setdefault(tag, []).append(entry)
            groups = {tag: union(group, exactly_one=exactly_one) for tag, group in by_tag.items()}
            result[cls] = tagged(found.name, groups)
        return result

    def _conditional(self, schema: dict[str, Any], *, collecting: bool) -> Table:  # Any: a schema
        conditions = self.table(schema["if"], collecting=collecting)
        then = self.table(schema.get("then", True), collecting=collecting)
        otherwise = self.table(schema.get("else", True), collecting=collecting)
        result: Table = {}
        for cls in CLASSES:
            condition, yes, no = conditions.get(cls), then.get(cls), otherwise.get(cls)
            if condition is not None and not condition.is_empty():
                result[cls] = chosen(condition, yes, no)
            else:
                always = yes if condition is not None else no
                if always is not None:
                    result[cls] = always
        return result

    def _without_leftovers(self, entry: Entry, cls: type, schema: Schema | None, *, collecting: bool) -> Entry:
        """Return an entry that also applies a schema to the properties or items that `entry` does not evaluate."""
        if schema is None:
            return Entry([as_check(entry)]) if entry.collectors else entry
        cell = self.cell(schema)
        collector = as_collector(entry)

        def check(value: Any, memo: Memo) -> bool:  # Any: an object or an array
            seen: Seen = set()
            if not collector(value, memo, seen):
                return False
            for key in value if cls is dict else range(len(value)):
                if key not in seen and not cell.check(value[key], memo):
                    return False
            return True

        return Entry([check], [see_all if cls is dict else see_all_items] if collecting else [])


def _check_of(table: Table) -> Check:
    by_class = {cls: tuple(entry.checks) for cls, entry in table.items()}
    if by_class == dict.fromkeys(CLASSES, ()):
        return lambda _value, _memo: True

    def check(value: JsonValue, memo: Memo) -> bool:
        checks = by_class.get(value.__class__)
        if checks is None:
            return False
        for each in checks:  # noqa: SIM110 all() takes twice the time
            if not each(value, memo):
                return False
        return True

    return check


def _intersect(table: Table, other: Table) -> None:
    for cls in [*table]:
        if cls in other:
            table[cls].add(other[cls])
        else:
            del table[cls]
