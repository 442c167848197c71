"""The standard's six thousand nodes made once for a test run: asyncua needs most of a second for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncua import ua
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.server.internal_server import InternalServer


def copy_of(node: NodeData) -> NodeData:
    """A node with attributes of its own; values are frozen and descriptions of references never change."""
    made = NodeData(node.nodeid)
    for attribute, held in node.attributes.items():
        assert held.value is not None
        made.attributes[attribute] = AttributeValue(held.value)
    made.references = list(node.references)
    return made


@contextmanager
def made_once() -> Iterator[None]:
    """Within, every server after the first gets copies of the nodes that the first one made."""
    load = InternalServer.load_standard_address_space
    made: dict[ua.NodeId, NodeData] = {}

    async def load_or_copy(self: InternalServer, shelf_file: Path | None = None) -> None:
        if not made:
            await load(self, shelf_file)
            made.update((key, copy_of(self.aspace[key])) for key in self.aspace.keys())  # noqa: SIM118
            return
        for key, node in made.items():
            self.aspace[key] = copy_of(node)

    InternalServer.load_standard_address_space = load_or_copy  # type: ignore[method-assign]
    try:
        yield
    finally:
        InternalServer.load_standard_address_space = load  # type: ignore[method-assign]
