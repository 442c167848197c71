"""The commands decode and trace: what is given, what is printed, and what ends them."""

import io
import json
from pathlib import Path

import pytest

from vppscada.admin.command_line import main

CAPTURE = Path(__file__).parents[2] / "data" / "dnp3_conformance" / "8.2.1.2.8.pcap"


def test_hexadecimal_words_are_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "C0", "01", "3C", "02", "06"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "  application READ(0x01) fir: 1 fin: 1 con: 0 uns: 0 seq: 0",
        "    g60v2 class data, class 1, all objects (0x06)",
    ]


def test_files_are_decoded_to_json_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--json", str(CAPTURE), str(CAPTURE)]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["application"]["function"] for one in said] == ["SELECT", "RESPONSE", "OPERATE", "RESPONSE"] * 2


def test_standard_input_is_decoded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CAPTURE.read_bytes())))
    assert main(["decode", "-"]) == 0
    assert "NO_SELECT" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["missing.pcap"], ["traces/missing"], [str(CAPTURE), "C0"]])
def test_a_file_that_is_not_there_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", *words]) == 1
    assert "no such file" in capsys.readouterr().err


def test_what_is_neither_is_said_and_not_raised(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "xyz"]) == 0
    assert "neither a capture nor hexadecimal text" in capsys.readouterr().out


def test_the_files_of_a_folder_are_printed_in_their_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    octets = CAPTURE.read_bytes()
    for name in ("a-000009", "a-000010", "b-000001"):
        (tmp_path / f"{name}.pcapng").write_bytes(octets)
    (tmp_path / "other.pcapng").write_bytes(b"no trace")
    assert main(["trace", str(tmp_path), "--name", "a", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
    assert main(["trace", str(tmp_path), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 12


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(tmp_path / "none")]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_a_trace_is_followed_while_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = CAPTURE.read_bytes()
    first, second = tmp_path / "line-000001.pcapng", tmp_path / "line-000002.pcapng"
    first.write_bytes(octets[:500])
    counts: list[int] = []

    def meanwhile(_: float) -> None:
        counts.append(capsys.readouterr().out.count('"packet"'))
        if len(counts) == 1:
            with first.open("ab") as file:
                file.write(octets[500:])
        elif len(counts) == 2:
            second.write_bytes(octets)
        elif len(counts) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("vppscada.admin.traces.time.sleep", meanwhile)
    assert main(["trace", str(tmp_path), "--follow", "--json"]) == 130
    assert sum(counts) == 8
    assert counts[0] < 4
    assert counts[2] == 4
