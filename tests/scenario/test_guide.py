"""docs/point-maps.md tried as it is written: its files saved, its commands run in their order."""

import asyncio
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

from tests.scenario.harness import free_ports, until

pytestmark = pytest.mark.timeout(240)

GUIDE = (Path(__file__).parents[2] / "docs" / "point-maps.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)
_SAVED = re.compile(r"[Ss]ave this as `([^`]+)`")
_PATIENCE_S = 90.0


@dataclass(frozen=True)
class Step:
    """A file to save (``name``), or a command."""

    name: str
    text: str


def steps() -> list[Step]:
    """The fenced blocks in their order; a file's name is the last that the text before it said."""
    found, at = [], 0
    for block in _BLOCK.finditer(GUIDE):
        if block[1] == "sh":
            found += [Step("", line) for line in block[2].splitlines()]
        else:
            name = _SAVED.findall(GUIDE[at : block.start()])[-1]
            found.append(Step(name, block[2]))
        at = block.end()
    return found


class Engineer:
    """Does what the guide says, in a folder of his own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = str(free_ports(1)[0])

    def save(self, step: Step) -> None:
        (self._folder / step.name).write_text(step.text.replace("1502", self._port), encoding="utf-8")

    async def start(self, command: str, log: Path | None = None) -> asyncio.subprocess.Process:
        program, *words = command.split()
        assert program == "vppscada"
        out = asyncio.subprocess.PIPE if log is None else log.open("wb")
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vppscada.admin.command_line", *words, cwd=self._folder, stdout=out, stderr=out,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip

    async def run(self, command: str) -> tuple[int, str]:
        process = await self.start(command)
        out, err = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
        assert process.returncode is not None
        return process.returncode, (out + err).decode()

    def allow_outputs(self) -> None:
        """What the guide leaves to the reader's hand."""
        file = self._folder / "modbus_gc3000.xlsx"
        book = openpyxl.load_workbook(file)
        rows = list(book.worksheets[0].iter_rows())
        header = next(row for row in rows if row[0].value == "point")
        column = [cell.value for cell in header].index("writable")
        for row in rows:
            if row[0].value in ("p_set", "start"):
                row[column].value = "yes"
        book.save(file)


async def test_the_guide_works_as_it_is_written(tmp_path: Path) -> None:
    engineer, log = Engineer(tmp_path), tmp_path / "simulate.log"
    imports = 0
    device = None
    try:
        for step in steps():
            if step.name:
                engineer.save(step)
            elif step.text.startswith("vppscada map import"):
                status, out = await engineer.run(step.text)
                imports += 1
                assert status == (1 if imports == 1 else 0), out  # the first is refused, as the guide says
                if imports == 1:
                    assert "vendor.csv:6:" in out
            elif step.text.startswith("vppscada simulate"):
                device = await engineer.start(step.text, log)
                await until(lambda: "device_listened" in log.read_text(), _PATIENCE_S, "the device listens")
            else:
                status, out = await engineer.run(step.text)
                assert status == 0, f"{step.text}: {out}"
                if step.text.startswith("vppscada map export"):
                    engineer.allow_outputs()
        assert imports == 2
        status, out = await engineer.run("vppscada read site.toml genset.p_limit_now")
        assert "1.5" in out
        status, out = await engineer.run("vppscada operate site.toml genset.p_set 99 --yes")
        assert (status, "above 3 MW" in out) == (1, True)
    finally:
        if device is not None:
            device.send_signal(signal.SIGTERM)
            await device.wait()
