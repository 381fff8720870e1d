"""What the parts of the reader share while they read: names, types found so far, and problems."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from miniagents.codegen.documents import Document, Node, Place
from miniagents.codegen.errors import Problem
from miniagents.codegen.keywords import HINTS
from miniagents.codegen.library import HAND_WRITTEN, LIBRARY, SCHEME
from miniagents.codegen.model import Named, TypeDefinition
from miniagents.codegen.names import is_reserved_class
from miniagents.codegen.sources import Source, find


@dataclass(slots=True)
class Scope:
    """The state of one run of the reader.

    Attributes:
        sources: The files it reads.
        is_library: Whether they are the library's own schemas.
        names: The names of the types that references can mean, by document and pointer.
        types: The types read so far, by name.
        problems: What was found wrong so far.
    """

    sources: Sequence[Source]
    is_library: bool
    names: dict[tuple[Document, str], str] = field(default_factory=dict[tuple[Document, str], str])
    types: dict[str, TypeDefinition] = field(default_factory=dict[str, TypeDefinition])
    problems: list[Problem] = field(default_factory=list[Problem])
    _taken: dict[str, Place] = field(default_factory=dict[str, Place])

    def report(self, problem: Problem) -> None:
        """Note that something is wrong, and go on."""
        self.problems.append(problem)

    def take_name(self, name: str | None, node: Node) -> str | None:
        """Reserve a name for the type at `node`, and return it; report it when it cannot be had."""
        remedy = 'name it by "x-miniagents": {"name": ...}'
        if name is None:
            self.report(node.place.problem("name", "no name for a class can be made of this one", remedy))
        elif is_reserved_class(name, is_library=self.is_library):
            self.report(node.place.problem("name", f"{name} is a name that generated modules need", remedy))
        elif name in self._taken:
            other = self._taken[name]
            wrong = f"{name} is also the name of {other.document.name} {other.pointer}"
            self.report(node.place.problem("name", wrong, remedy))
        else:
            self._taken[name] = node.place
            return name
        return None

    def resolve(self, node: Node) -> Named | None:
        """Return the type that the reference at `node` means; report it when there is none."""
        reference = node.value
        if not isinstance(reference, str):
            self.report(node.place.problem("$ref", "is no text", "write a reference such as #/$defs/Name"))
            return None
        if reference.startswith(SCHEME):
            return self._of_library(node, reference.removeprefix(SCHEME), "$ref")
        path, _, fragment = reference.partition("#")
        own = next(source for source in self.sources if source.document is node.document)
        source = find(self.sources, own, path)
        if source is None:
            wrong = f"{path} is none of the given files, and nothing is fetched"
            self.report(node.place.problem("$ref", wrong, "give that file too, or describe the type here"))
            return None
        pointer = unquote(fragment)
        name = self.names.get((source.document, f"#{pointer}"))
        if name is not None:
            return Named(name)
        if pointer and not pointer.startswith("/"):
            wrong, remedy = "anchors cannot be followed", "refer to the type by its place: #/$defs/Name"
        elif not pointer:
            wrong, remedy = "the root of that file describes no type", "refer to one of its $defs: #/$defs/Name"
        else:
            wrong, remedy = f"there is no type at #{pointer}", "describe it in $defs and write #/$defs/Name"
        self.report(node.place.problem("$ref", wrong, remedy))
        return None

    def base(self, node: Node, base: str) -> str | None:
        """Return the name of the class that the type at `node` extends; report it when there is none."""
        hint = node.child(HINTS).child("base")
        if base in HAND_WRITTEN and self.is_library:
            return base
        if any(char in base for char in "#/:."):
            found = self.resolve(Node(hint.document, hint.pointer, base))
        else:
            found = self._of_library(hint, base, HINTS)
        return found.name if found is not None else None

    def _of_library(self, node: Node, name: str, keyword: str) -> Named | None:
        known = self.names.values() if self.is_library else LIBRARY
        if name in known:
            return Named(name)
        wrong = f"the library has no type {name}"
        remedy = f"one of {', '.join(LIBRARY)}, or a type of yours as #/$defs/Name"
        self.report(node.place.problem(keyword, wrong, remedy))
        return None
