"""Rings keep the newest files within their bounds, and a disk that fails costs a log line and a count."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from protocols.dnp3.trace import ring as rings
from protocols.dnp3.trace.ring import MOST_WAITING, Ring, TraceSettings, flush, ring_files

BEGINNING = b"beginning"
MEGABYTE = 1_000_000


def make(folder: Path, name: str = "line", files: int = 3) -> Ring:
    return Ring(TraceSettings(folder, files, 1), name, lambda: BEGINNING)


def test_what_is_put_in_is_in_the_file_in_order(tmp_path: Path) -> None:
    ring = make(tmp_path / "made" / "here")
    for n in range(100):
        ring.put(b"%d," % n)
    assert flush()
    [path] = ring.files()
    assert path.name == "line-000001.pcapng"
    assert path.read_bytes() == BEGINNING + b"".join(b"%d," % n for n in range(100))
    assert ring.waiting == 0
    assert ring.lost == 0


def test_files_are_bounded_in_size_and_number_and_the_newest_are_kept(tmp_path: Path) -> None:
    ring = make(tmp_path)
    for n in range(10):
        ring.put(bytes((n,)) * (MEGABYTE * 2 // 5))
        assert flush()
    files = ring.files()
    assert [path.stem[-1] for path in files] == ["3", "4", "5"]
    assert all(path.stat().st_size <= MEGABYTE for path in files)
    assert all(path.read_bytes().startswith(BEGINNING) for path in files)
    assert files[-1].read_bytes()[-1] == 9


def test_a_ring_made_anew_goes_on_after_the_last_number(tmp_path: Path) -> None:
    for n in range(5):
        make(tmp_path).put(b"life %d" % n)
        assert flush()
    assert [path.read_bytes()[-1:] for path in ring_files(tmp_path, "line")] == [b"2", b"3", b"4"]


def test_rings_of_one_folder_leave_each_others_files_alone(tmp_path: Path) -> None:
    (tmp_path / "notes-7.pcapng").write_bytes(b"somebody's")
    for n in range(5):
        make(tmp_path, "line").put(b"x")
        make(tmp_path, "line-2").put(b"y")
        assert flush(), n
    assert len(ring_files(tmp_path, "line")) == 3
    assert len(ring_files(tmp_path, "line-2")) == 3
    assert len(ring_files(tmp_path)) == 6
    assert (tmp_path / "notes-7.pcapng").exists()


def test_names_that_no_file_can_have_are_changed(tmp_path: Path) -> None:
    make(tmp_path, "tcp ::1:20000 /dev/../x").put(b"x")
    assert flush()
    assert [path.name for path in tmp_path.iterdir()] == ["tcp_1_20000_dev_.._x-000001.pcapng"]


def test_a_disk_that_fails_is_told_once_counted_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "folder"
    in_the_way.write_bytes(b"a file where the folder should be")
    ring = make(in_the_way)
    with capture_logs() as logs:
        for _ in range(3):
            ring.put(b"1234567")
            assert flush()
        assert ring.lost == 21
        monkeypatch.setattr(rings, "_RETRY_S", 0.0)
        ring.put(b"1234567")
        assert flush()
        assert ring.lost == 28
        in_the_way.unlink()
        ring.put(b"kept")
        assert flush()
    assert [entry["event"] for entry in logs] == ["trace_failed", "trace_resumed"]
    assert ring.lost == 28
    assert ring.files()[0].read_bytes() == BEGINNING + b"kept"


def test_a_full_disk_costs_only_what_was_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = make(tmp_path)
    with Path("/dev/full").open("wb") as full, capture_logs() as logs:
        monkeypatch.setattr(Ring, "_open_next", lambda self: setattr(self, "_file", full))
        ring.put(b"x" * 100_000)
        assert flush()
    assert ring.lost == 100_000
    assert "No space left" in logs[0]["reason"]


def test_no_more_waits_for_the_disk_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rings._WRITER, "put", lambda *_: None)  # a disk that never ends its write
    ring = make(tmp_path)
    for _ in range(100):
        ring.put(bytes(MEGABYTE))
    assert ring.waiting <= MOST_WAITING
    assert ring.lost == 100 * MEGABYTE - ring.waiting
