"""libmodbus' own unit test programs, compiled from the sources of Debian's libmodbus-dev for a port of ours."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

EXAMPLES = Path("/usr/share/doc/libmodbus-dev/examples")
#: Of the programs: device id on a serial line, and where their tables begin.
SERVER_ID = 17
BITS, INPUT_BITS, REGISTERS, INPUT_REGISTERS = 0x130, 0x1C4, 0x160, 0x108
#: A read of exactly so many registers is answered with one too few.
TOO_FEW_OF = 2


def is_there() -> bool:
    """True if the sources and a compiler are."""
    return (EXAMPLES / "unit-test-server.c").exists() and shutil.which("gcc") is not None


def build(program: str, folder: Path, port: int, device: str = "") -> Path:
    """Compile a program for a TCP port and a serial device; they stand in the sources as constants."""
    text = (EXAMPLES / f"{program}.c").read_text(encoding="utf-8")
    text = text.replace("1502", str(port)).replace("/dev/ttyUSB0", device).replace("/dev/ttyUSB1", device)
    source, target = folder / f"{program}.c", folder / program
    source.write_text(text, encoding="utf-8")
    subprocess.run(
        ["gcc", "-w", "-o", target, source, f"-I{EXAMPLES}", "-I/usr/include/modbus", "-lmodbus"], check=True
    )
    return target


@contextlib.asynccontextmanager
async def started(program: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program in a process of its own for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
