"""One event loop for the whole run, with Twisted's reactor on it: a reactor cannot change its loop."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from vppscada.station.runtime import install_reactor, new_loop

_loop: asyncio.AbstractEventLoop | None = None


def _reactor_loop() -> asyncio.AbstractEventLoop:
    global _loop
    if _loop is None:
        _loop = new_loop()
        install_reactor(_loop)
    return _loop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give every asynchronous test the loop that the reactor runs on."""
    return {"reactor": _reactor_loop}
