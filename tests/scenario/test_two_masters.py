"""One plant and two EMS masters on one port: each has its own events and its own say."""

from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from vppscada.model.commands import Accepted, CommandStatus, Rejected
from vppscada.model.outstations import POINT_KIND_ORDER
from vppscada.points.journal import Journal

pytestmark = pytest.mark.timeout(240)

SITE = Path(__file__).parent / "two_assets"
DATA = Path(__file__).parents[2] / "point_maps"
START_UP_S = 60.0  # bounds a wait on a slow machine; nothing is timed by it


def site_with_two_masters(directory: Path) -> str:
    """The plant of the other scenarios, with a second master."""
    text = (SITE / "site.toml").read_text(encoding="utf-8")
    text = text.replace("../../../point_maps", str(DATA))
    assert text.count("master_address = 1\n") == 1
    text = text.replace("master_address = 1\n", "")
    text += "\n[[ems.masters]]\nmaster_address = 1\n\n[[ems.masters]]\nname = 'second'\nmaster_address = 2\n"
    (directory / "ems.csv").write_bytes((SITE / "ems.csv").read_bytes())
    file = directory / "site.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


async def shown(point: str, value: float, *masters: Ems) -> None:
    """Wait until every master was told this."""
    await until(lambda: all(ems.value(point) == value for ems in masters), START_UP_S, f"{point} is {value}")


async def test_two_masters_have_their_own_events_and_selections(tmp_path: Path) -> None:
    async with Processes(site_with_two_masters(tmp_path), tmp_path, speed=60.0) as plant:
        await plant.start_all()
        async with Ems(plant, 1) as first:
            async with Ems(plant, 2) as second:
                await shown("plant.sessions_online", 2.0, first, second)
                assert await first.select("plant.target_command", 1.0) == Accepted()
                refused = await second.set_analog("plant.target_command", 2.0)
                assert isinstance(refused, Rejected)
                assert refused.status is CommandStatus.BLOCKED_OTHER_MASTER
                assert await first.set_analog("plant.target_command", 1.0) == Accepted()
                await shown("plant.target", 1.0, first, second)
                assert len(first.events) > 0
                assert len(second.events) > 0
                assert await second.set_analog("plant.target_command", 1.5) == Accepted()
            # the second is gone: its events wait, and the first confirms its own
            seen = len(first.events)
            await until(lambda: len(first.events) > seen + 20, START_UP_S, "events for the first")
            await plant.kill("station")

        journal = Journal.open(plant.state)
        waiting = journal.event_store(f"{plant.site.ems[0].name}/second").load()
        journal.close()
        unread = {
            (POINT_KIND_ORDER[kind], index, time_ms)
            for kind, index, time_ms in zip(
                waiting.kind.tolist(), waiting.index.tolist(), waiting.time_ms.tolist(), strict=True
            )
        }
        assert len(unread) >= 20

        await plant.start_station()
        async with Ems(plant, 2) as again:
            await until(lambda: unread <= {event[:3] for event in again.events}, START_UP_S, "every unread event")
        assert plant.complaints() == []
