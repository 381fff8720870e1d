"""Write the types of the model as Python text: classes and aliases.

Annotations are evaluated when the module is imported, so that msgspec and readers see types instead of texts. An
annotation that mentions a type further down is quoted as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.library import FROZEN_BASES, HAND_WRITTEN_FIELDS, MESSAGE_BASE, OPEN_RECORD, RECORD
from miniagents.codegen.model import (
    AliasType,
    Anything,
    Field,
    Form,
    Module,
    ObjectType,
    Scalar,
    TypeDefinition,
    inherited_fields,
    named_in,
    root_of,
    within,
)
from miniagents.codegen.names import ANY_MESSAGE
from miniagents.codegen.shaping.defaults import expression
from miniagents.codegen.shaping.templates import renamed
from miniagents.codegen.shaping.union_tags import only_value
from miniagents.codegen.texts import literal
from miniagents.codegen.writing.annotations import Annotator
from miniagents.codegen.writing.written_docstrings import docstring

_INDENT = 4


@dataclass(slots=True)
class Writer:
    """Writes types of one module.

    Attributes:
        module: The module.
        written: The types written so far, or imported from other modules of a package.
        annotator: Writes annotations and records imports.
    """

    module: Module
    written: set[str] = field(default_factory=set[str])
    annotator: Annotator = field(init=False)

    def __post_init__(self) -> None:
        own = frozenset(each.name for each in self.module.types)
        self.annotator = Annotator(own, self.module.is_library)

    def definition(self, definition: TypeDefinition) -> str:
        """Return the text of a type."""
        if isinstance(definition, AliasType):
            also = self.module.also_checked(definition.name)
            doc = docstring(definition.doc, also=also) if definition.doc or also else ""
            text = self.alias(definition.name, self.annotator.named(definition.name, definition.form), doc)
        else:
            text = self.struct(definition)
        self.written.add(definition.name)
        return text

    def any_message(self, types: Iterable[TypeDefinition]) -> str:
        """Return the text of the union of all messages, or "" if there is none or a type has this name."""
        messages = [each.name for each in types if root_of(self.module.known, each.name) == MESSAGE_BASE]
        if not messages or ANY_MESSAGE in self.annotator.own:
            return ""
        return self.alias(ANY_MESSAGE, " | ".join(messages), docstring("Any message of this module."))

    def alias(self, name: str, form: str, doc: str) -> str:
        """Return the text of a type alias."""
        text = f"{name}: {self.annotator.name('TypeAlias')} = {form}"
        return f"{text}\n{doc}" if doc else text

    def struct(self, definition: ObjectType) -> str:
        """Return the text of a class."""
        inherited = inherited_fields(self.module.known, definition.name)
        own = [each for each in definition.fields if inherited.get(each.json_name) != each]
        attributes = [(each.name, each.doc) for each in own]
        also = self.module.also_checked(definition.name)
        doc = docstring(definition.doc, attributes, also=also, name=definition.name, indent=_INDENT)
        has_doc = bool(definition.doc or also or any(each.doc for each in own))
        body, template = [doc] if has_doc else [], list[str]()
        if definition.template is not None:
            python_names = {each.json_name: each.name for each in (*inherited.values(), *own)}
            text = renamed(definition.template, python_names)
            template.append(f"text_template: {self.annotator.name('ClassVar')}[str | None] = {literal(text)}")
        written = HAND_WRITTEN_FIELDS.get(definition.base, ())
        optional = {name for name, each in inherited.items() if not each.required}
        fields = [
            self.field(each, definition, is_named=each.required and each.json_name in optional)
            for each in own
            if each.name not in written
        ]
        base = definition.base
        if definition.extras == Anything() and base.removeprefix("_") == RECORD:
            base = "_" * base.startswith("_") + OPEN_RECORD
        elif definition.extras is not None:
            fields.append(self.extras(definition.extras))
        blocks = [block for block in (body, template, fields) if block] or [["pass"]]
        lines = "\n\n".join("\n".join(f"{' ' * _INDENT}{line}" for line in block) for block in blocks)
        head = ", ".join([self.annotator.type(base), *self.options(definition)])
        return f"class {definition.name}({head}):\n{lines}"

    def options(self, definition: ObjectType) -> list[str]:
        """Return the options of a class."""
        options = ["frozen=True", *([] if definition.positional else ["kw_only=True"])]
        if root_of(self.module.known, definition.name) in FROZEN_BASES:
            options.append(f"tag={literal(definition.name)}")
        elif definition.tag is not None:
            name, value = definition.tag
            options += [f"tag_field={literal(name)}", f"tag={literal(value)}"]
        return options

    def field(self, field: Field, owner: ObjectType, *, is_named: bool = False) -> str:
        """Return the text of a field; its type includes `UnsetType` if it may be absent and has no default.

        Args:
            field: The field.
            owner: Its class.
            is_named: Whether to write its name in JSON: pyright asks for a value where the base has a default.
        """
        if owner.tag is not None and owner.tag[0] == field.json_name:
            value = literal(only_value(field))
            return (
                f"{field.name}: {self.annotator.name('ClassVar')}[{self.annotator.name('Literal')}[{value}]] = {value}"
            )
        annotation = self.annotator.form(field.form)
        if not field.required and field.default is None:
            annotation = f"{self.annotator.name('Maybe')}[{annotation}]"
        return f"{field.name}: {self.quoted(annotation, field.form)}{self.assigned(field, is_named=is_named)}"

    def extras(self, form: Form) -> str:
        """Return the text of the field `extra_properties`, which holds undeclared properties."""
        annotation = f"{self.annotator.name('Extras')}[{self.annotator.form(form)}]"
        empty = self.annotator.name("NO_EXTRAS")
        made = f'{self.annotator.msgspec("field")}(default={empty}, name="@extra")'
        return f"extra_properties: {self.quoted(annotation, form)} = {made}"

    def quoted(self, annotation: str, form: Form) -> str:
        """Return an annotation, in quotes if it mentions a type that is not written yet."""
        names = (name for name in named_in(form) if name in self.annotator.own)
        return annotation if self.written.issuperset(names) else literal(annotation)

    def default(self, value: JsonValue, form: Form) -> str:
        """Return the text of a default, converted to the type of its field if JSON has no such type."""
        formatted = [each for each in within(form) if isinstance(each, Scalar) and each.format is not None]
        if value is None or not formatted:
            return expression(value)
        return f"{self.annotator.msgspec('convert')}({expression(value)}, {self.annotator.form(form)})"

    def assigned(self, field: Field, *, is_named: bool = False) -> str:
        """Return the text after the annotation of a field: its default and its name in JSON."""
        arguments: list[str] = []
        plain = ""
        if field.default is not None and not field.required:
            plain = self.default(field.default.value, field.form)
            arguments.append(f"default={plain}")
        elif not field.required:
            plain = self.annotator.msgspec("UNSET")
            arguments.append(f"default={plain}")
        if field.name != field.json_name or is_named:
            arguments.append(f"name={literal(field.json_name)}")
            plain = ""
        if plain or not arguments:
            return f" = {plain}" if plain else ""
        return f" = {self.annotator.msgspec('field')}({', '.join(arguments)})"
