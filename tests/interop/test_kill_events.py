"""An outstation that is killed, read by a master that nobody here wrote."""

from pathlib import Path

import pytest

from tests.scenario.kill_events import demonstrate

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240)]

KILLS = 10


async def test_opendnp3_gets_every_event_once_after_its_confirmation(tmp_path: Path) -> None:
    report = await demonstrate(tmp_path, KILLS, seed=8, with_opendnp3=True)
    assert report.faults() == []
    assert all(judge.counts["confirmations"] > KILLS for judge in report.judges.values())
