"""All nodes of an equation and of those that it calls, each with a function that puts another node in its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from attnspec.interpreters.mutation.free_numbers import is_compared, leads_to_value
from attnspec.interpreters.mutation.mutants import inside_scan, parts
from attnspec.interpreters.mutation.operators import Site
from attnspec.language.check import check
from attnspec.language.traversal import substitute, walk
from attnspec.language.tree import Call, Definition, Node


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A node at one place of a formula.

    Attributes:
        label: the lines that it is in, from the outermost equation inwards, separated by "/".
        node: the node.
        site: its place, with the types of names.
        put: makes the outermost equation with another node in its place.
        compared: whether it only decides a comparison.
    """

    label: str
    node: Node
    site: Site
    put: Callable[[Node], Definition]
    compared: bool = False

    @property
    def line(self) -> str:
        """The line that it is in, of the innermost equation."""
        return self.label.rpartition("/")[2]


def everywhere(definition: Definition, roots: Collection[int] | None = None) -> Iterator[Occurrence]:
    """The nodes that are values, not subscripts or conditions; those of a called equation before the call.

    Args:
        roots: the positions of the lines and results, the lines first, whose nodes are wanted; by default all.
    """
    types = check(definition)
    known = {parameter.name: types[parameter.name] for parameter in definition.parameters}
    lines = [*(line.targets for line in definition.lines), *((),) * len(definition.returns)]
    for k, ((label, root, build), targets) in enumerate(zip(parts(definition), lines, strict=True)):
        site = Site(definition, dict(known), types, root)
        for path, node in walk(root) if roots is None or k in roots else ():
            if not leads_to_value(path):
                continue

            def put(
                new: Node,
                root: Node = root,
                path: tuple[tuple[str, int | None], ...] = path,
                build: Callable[[Node], Definition] = build,
            ) -> Definition:
                return build(substitute(root, path, new))

            if isinstance(node, Call):
                for inner in everywhere(node.callee):

                    def put_inside(
                        new: Node,
                        call: Call = node,
                        inner: Occurrence = inner,
                        put: Callable[[Node], Definition] = put,
                    ) -> Definition:
                        return put(replace(call, callee=inner.put(new)))

                    yield Occurrence(f"{label}/{inner.label}", inner.node, inner.site, put_inside, inner.compared)
            yield Occurrence(label, node, inside_scan(site, root, path), put, is_compared(root, path))
        known |= {name: types[name] for name in targets}
