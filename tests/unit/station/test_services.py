"""Services that end by themselves are told of, however they end."""

import asyncio

import pytest
from twisted.application.service import MultiService

from vppscada.station.services import TaskService, leave


async def run_one(error: BaseException | None) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []

    async def main() -> None:
        await asyncio.sleep(0)
        if error is not None:
            raise error

    tree = MultiService()
    tree.startService()
    TaskService("one", main, lambda name, why: told.append((name, why))).setServiceParent(tree)  # type: ignore[no-untyped-call]
    for _ in range(5):
        await asyncio.sleep(0)
    await leave(tree, "one")
    return told


@pytest.mark.parametrize(
    ("error", "why"),
    [(None, "None"), (ValueError("no"), "ValueError('no')"), (asyncio.CancelledError(), "cancelled")],
)
async def test_the_end_of_a_service_is_told(error: BaseException | None, why: str) -> None:
    assert await run_one(error) == [("one", why)]


async def test_a_service_that_is_stopped_is_no_failure() -> None:
    told: list[str] = []

    async def main() -> None:
        await asyncio.Event().wait()

    tree = MultiService()
    tree.startService()
    TaskService("one", main, lambda name, _: told.append(name)).setServiceParent(tree)  # type: ignore[no-untyped-call]
    await asyncio.sleep(0)
    await leave(tree, "one")
    assert told == []
