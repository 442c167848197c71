from pathlib import Path

import pytest

from tests.unit.maps.fakes import Files, small_site


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A small site without faults."""
    return small_site(tmp_path)
