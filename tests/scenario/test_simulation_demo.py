"""The demo as somebody types it: processes of its own, real protocols, an end by Ctrl-C."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WITHIN_S = 90.0


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def alive(pids: list[int]) -> bool:
    """Whether any of those processes is still there."""
    return any(Path(f"/proc/{pid}").exists() for pid in pids)


async def start(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "vppscada.admin.command_line", "demo", "--plain"),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


async def said(demo: asyncio.subprocess.Process, word: str) -> list[str]:
    """Its lines until one has the word in it."""
    assert demo.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        while line := await demo.stdout.readline():
            lines.append(line.decode())
            if word in lines[-1]:
                return lines
    raise AssertionError(f"it ended without saying {word!r}: {''.join(lines)}")


@pytest.mark.timeout(180)
async def test_the_demo_comes_up_follows_its_targets_and_ends_by_ctrl_c_with_a_report(tmp_path: Path) -> None:
    report, summary = tmp_path / "report" / "demo.html", tmp_path / "summary.json"
    demo = await start("--report", str(report), "--summary", str(summary))
    try:
        await said(demo, "sessions 9/9")
        children = children_of(demo.pid)
        assert len(children) == 10
        await asyncio.sleep(25.0)
        demo.send_signal(signal.SIGINT)
        output = "".join(await said(demo, "the plant ran as it should"))
        assert await asyncio.wait_for(demo.wait(), WITHIN_S) == 0, output
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()
    found = json.loads(summary.read_text())
    assert found["ok"] is True
    assert found["tracking_error_percent"] < 2.0
    assert found["tracking_samples"] > 10
    assert found["sessions"] == 9
    assert found["ems_events"] > 100
    assert found["energy_mwh"] > 0.0
    assert found["commands"] > 0
    assert {"cost", "revenue", "unserved_mwh", "starts", "duration_s", "speed", "samples"} <= found.keys()
    assert report.read_text(encoding="utf-8").count("<svg") == 6
    assert not alive(children)


@pytest.mark.timeout(120)
async def test_a_demo_that_is_too_short_says_so_and_does_not_call_itself_good(tmp_path: Path) -> None:
    report, summary = tmp_path / "demo.html", tmp_path / "summary.json"
    demo = await start("--duration", "3", "--report", str(report), "--summary", str(summary))
    try:
        output = "".join(await said(demo, "not as it should be"))
        assert await asyncio.wait_for(demo.wait(), WITHIN_S) == 1, output
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()
    assert json.loads(summary.read_text())["ok"] is False
    assert "did not run as it should" in report.read_text(encoding="utf-8")


@pytest.mark.timeout(120)
async def test_the_devices_end_when_the_demo_is_killed(tmp_path: Path) -> None:
    demo = await start("--report", str(tmp_path / "demo.html"))
    children: list[int] = []
    try:
        await said(demo, "starting the station")
        children = children_of(demo.pid)
        assert len(children) >= 9
    finally:
        demo.kill()
        await demo.wait()
    async with asyncio.timeout(WITHIN_S):
        while True:
            if not alive(children):
                return
            await asyncio.sleep(0.1)
