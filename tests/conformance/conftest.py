"""The tester that every procedure begins with."""

import pytest

from tests.conformance.tester import Tester


@pytest.fixture
def tester() -> Tester:
    """A device as in the recorded runs, powered up, and nothing said yet."""
    return Tester()
