"""The session on opendnp3: what would end or hang a process, and what only a real peer shows."""

import asyncio
import sys

import pytest

from tests.interop import engine_torture
from tests.interop.peer_processes import free_port

pytestmark = pytest.mark.interop

#: A torture takes a few seconds; one that hangs is noticed by this.
LIMIT_S = 90.0


@pytest.mark.parametrize("torture", engine_torture.TORTURES, ids=lambda each: each.__name__)
async def test_a_process_survives_and_ends_by_itself(torture: object) -> None:
    name: str = torture.__name__  # type: ignore[attr-defined]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "faulthandler", "-m", "tests.interop.engine_torture", name, str(free_port())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            told, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        told, errors = await process.communicate()
        pytest.fail(f"it hangs after {told!r}: {errors.decode()[-2000:]}")
    assert process.returncode == 0, errors.decode()[-4000:]
    assert told.split()[-1] == b"survived"
