import os
import socket
from pathlib import Path

import numpy as np
import pytest

from vppscada.station.backoff import delay_s
from vppscada.station.notify import notify, watchdog_period_s


def test_backoff_doubles_to_its_limit() -> None:
    assert [delay_s(n, 0.0) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert delay_s(1000, 0.0) == 30.0


def test_jitter_takes_away_up_to_half() -> None:
    assert delay_s(3, 0.999) == pytest.approx(1.0, abs=0.01)


def test_systemd_is_told_by_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        assert notify(READY="1", STATUS="up")
        assert server.recv(100) == b"READY=1\nSTATUS=up"


def test_without_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify(READY="1")


@pytest.mark.parametrize(
    ("usec", "pid", "period"),
    [
        ("30000000", "", 15.0),
        ("30000000", str(os.getpid()), 15.0),
        ("30000000", "1", None),
        ("", "", None),
        ("soon", "", None),
    ],
    ids=["no process named", "this process", "another process", "nothing asked", "no number"],
)
def test_the_watchdog_period_is_half_of_what_systemd_asks(
    usec: str, pid: str, period: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_period_s() == period


def test_a_row_fans_out_to_every_export_of_it_in_order() -> None:
    from vppscada.station.ems_feed import FanOut

    fan_out = FanOut.of([7, 3, 7, 9])
    places, exports = fan_out.route(np.array([1, 7, 9, 7]))
    assert places.tolist() == [1, 1, 2, 3, 3]
    assert exports.tolist() == [0, 2, 3, 0, 2]


def test_what_is_stuck_is_named() -> None:
    from vppscada.station.watch import late

    assert late(100.0, 99.0, 99.0, 2.0, 30.0) is None
    assert late(100.0, 80.0, 99.0, 2.0, 30.0) == "dispatch"
    assert late(300.0, 299.0, 100.0, 2.0, 30.0) == "scheduler"
    assert late(300.0, 299.0, 100.0, 2.0, 300.0) is None  # a site may let its solver work that long
