"""Turn a bundle into the model of a module: definitions become types, and objects become classes."""

from collections.abc import Iterator
from dataclasses import replace

from miniagents.codegen.library import HAND_WRITTEN, library_types
from miniagents.codegen.model import AliasType, Anything, Module, Named, ObjectType, TypeDefinition
from miniagents.codegen.reading.bundle import Bundle
from miniagents.codegen.reading.hints import ON_OBJECT, ON_PROPERTY, ON_TYPE, read_hints
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.shaping.checks import check
from miniagents.codegen.shaping.classes import ClassMaker
from miniagents.codegen.shaping.conjunctions import Schemas, Site
from miniagents.codegen.shaping.defaults import is_only_said
from miniagents.codegen.shaping.docstring_notes import default_note, documentation
from miniagents.codegen.shaping.hazards import defused
from miniagents.codegen.shaping.placing import Names
from miniagents.codegen.shaping.recursion import opened, shortened
from miniagents.codegen.shaping.shapes import Shaper
from miniagents.codegen.shaping.soundness import judged
from miniagents.codegen.shaping.subclasses import extended
from miniagents.codegen.shaping.tables import schema_table
from miniagents.codegen.shaping.union_tags import tagged
from miniagents.validation.keywords import HINTS


def module_of(bundle: Bundle) -> Module:
    """Return the model of the module for a bundle.

    Raises:
        GenerationError: Schemas cannot be expressed as types; it has all problems.
    """
    schemas = Schemas({name: each.schema for name, each in bundle.definitions.items()})
    names = Names(schemas, bundle.definitions)
    shaper = Shaper(bundle, schemas, names)
    classes = shaper.classes
    own: dict[str, TypeDefinition] = {}
    for name, definition in bundle.definitions.items():
        root = Site(name)
        before = len(classes.classes)
        form = shaper.definition(root)
        if form != Named(name):
            if isinstance(form, Named) and name in shaper.loose:
                form = Anything()  # not all of a class is allowed here, and Python knows the class by one schema only
            own[name] = AliasType(name, form, documentation(schemas.members(root)), definition.place)
        made = list(classes.classes.values())[before:]
        own.update({each.name: each for each in sorted(made, key=lambda each: each.name != name)})
    _rename_fields(own)
    _say_defaults(own)
    known = {**({} if bundle.is_library else library_types(own)), **own}
    loose = {name: dict(reasons) for name, reasons in shaper.loose.items()}
    opened(own, known, loose)
    too_deep = [*shortened(own, known, loose)]
    known.update(own)
    defused(own, known, loose)
    known.update(own)
    tagged(own, known, classes)
    known.update(own)
    problems = [*too_deep, *classes.problems, *_wrong_hints(bundle, schemas, classes)]
    written = tuple(each for each in own.values() if not (bundle.is_library and each.name in HAND_WRITTEN))
    module = Module(written, known, bundle.doc, bundle.is_library, bundle.files)
    problems += check(module)
    if problems:
        raise GenerationError(tuple(dict.fromkeys(problems)))
    if bundle.is_library:
        return module
    keys, tables = schema_table(module, schemas, classes)
    judgement = judged(module, loose)
    if extended(own, library_types(own), schemas, classes):
        known.update(own)
    return replace(
        module,
        types=tuple(own.values()),
        schemas=tables,
        keys=keys,
        loose=judgement.loose,
        checked=judgement.checked,
        namespace=bundle.settings.namespace,
    )


def _rename_fields(types: dict[str, TypeDefinition]) -> None:
    """Rename fields with the name of a type, which they would hide from later fields of the class."""
    for name, each in types.items():
        if isinstance(each, ObjectType) and any(field.name in types for field in each.fields):
            used = {field.name for field in each.fields}
            fields = tuple(
                replace(field, name=_free(field.name, used | types.keys())) if field.name in types else field
                for field in each.fields
            )
            types[name] = replace(each, fields=fields)


def _say_defaults(types: dict[str, TypeDefinition]) -> None:
    """Tell defaults that are objects in docstrings."""
    for name, each in types.items():
        if isinstance(each, ObjectType):
            fields = tuple(
                replace(field, default=None, doc=f"{field.doc} {default_note(field.default.value)}".strip())
                if field.default is not None and is_only_said(types, field.form, field.default.value)
                else field
                for field in each.fields
            )
            types[name] = replace(each, fields=fields)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _wrong_hints(bundle: Bundle, schemas: Schemas, classes: ClassMaker) -> Iterator[Problem]:
    """Yield a problem for each hint that has no meaning at its place, or is wrong itself."""
    of_classes = {sites[0] for sites in classes.sites.values() if len(sites) == 1}
    problems: list[Problem] = []
    for name in bundle.definitions:
        for site, schema in schemas.within(name):
            if not isinstance(schema, dict) or HINTS not in schema:
                continue
            allowed = ON_OBJECT if site in of_classes else frozenset[str]()
            if not site.pointer:
                allowed |= ON_TYPE
            elif "properties" in site.pointer.split("/")[-2:-1]:
                allowed |= ON_PROPERTY
            read_hints(classes.node(site), allowed, problems.append)
    yield from problems
