"""Two serial devices joined back to back, made of two pseudo terminals."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def null_modem() -> AsyncIterator[tuple[str, str]]:
    """The names of both ends; octets written to one come out of the other."""
    loop = asyncio.get_running_loop()
    near, near_end = os.openpty()
    far, far_end = os.openpty()
    for end in (near_end, far_end):
        tty.setraw(end)

    def carry(source: int, target: int) -> None:
        with suppress(OSError):
            os.write(target, os.read(source, 4096))

    loop.add_reader(near, carry, near, far)
    loop.add_reader(far, carry, far, near)
    try:
        yield os.ttyname(near_end), os.ttyname(far_end)
    finally:
        loop.remove_reader(near)
        loop.remove_reader(far)
        for descriptor in (near, far, near_end, far_end):
            os.close(descriptor)
