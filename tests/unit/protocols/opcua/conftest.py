"""Servers start quickly."""

from collections.abc import Iterator

import pytest

from tests.unit.protocols.opcua.standard_nodes import made_once


@pytest.fixture(scope="package", autouse=True)
def quick_servers() -> Iterator[None]:
    """Make the standard's nodes once."""
    with made_once():
        yield
