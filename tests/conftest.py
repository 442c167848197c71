"""One event loop for the whole process, with Twisted's reactor on it: a reactor cannot change its loop.

pytest-asyncio ends its loop whenever its runner is set up anew, which a worker of pytest-xdist does between files.
So what ends a loop does nothing to this one.
"""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from vppscada.station.runtime import install_reactor, new_loop

_loop: asyncio.AbstractEventLoop | None = None


def _reactor_loop() -> asyncio.AbstractEventLoop:
    global _loop
    if _loop is None:
        _loop = new_loop()
        _loop.close = _stay  # type: ignore[method-assign]
        _loop.shutdown_default_executor = _stay_too  # type: ignore[method-assign]
        install_reactor(_loop)
    return _loop


def _stay() -> None:
    """The process ends the loop."""


async def _stay_too(*_: object) -> None:
    """The process ends its executor."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give every asynchronous test the loop that the reactor runs on."""
    return {"reactor": _reactor_loop}
