"""The stand of the pipeline's tests."""

from collections.abc import Iterator

import pytest

from tests.unit.control.stand import Station


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station()
    yield made
    made.end()
