"""What forecasts are made of outlives the station; what is not such a file is not taken for one."""

from pathlib import Path

import numpy as np
import pytest

from vppscada.plant.forecasting import BUCKET_MS, Bands, Past
from vppscada.plant.scorecard import Scorecard
from vppscada.station.forecast_file import read_forecasts, write_forecasts


def learnt() -> tuple[Past, Scorecard]:
    past, card = Past(["sun", "target"]), Scorecard(["sun", "target"])
    for bucket in range(200):
        past.note(bucket * BUCKET_MS, np.array([bucket / 10.0, np.nan]))
        bands = Bands(*(np.full((2, 96), value) for value in (1.0, 2.0, 3.0)))
        card.issued(bucket * BUCKET_MS, bands, np.array([1.0, 1.0]), bucket * BUCKET_MS, BUCKET_MS)
        card.came(bucket, np.array([2.5, np.nan]))
    return past, card


def test_what_was_written_is_read(tmp_path: Path) -> None:
    past, card = learnt()
    write_forecasts(tmp_path, past, card)
    write_forecasts(tmp_path, past, card)
    assert [one.name for one in tmp_path.iterdir()] == ["forecasts.npz"]
    kept = read_forecasts(tmp_path, ["target", "new", "sun"])
    assert kept is not None
    assert kept[0].at(np.array([150]))[0, 2] == pytest.approx(15.0)
    assert kept[1].cards() == card.cards() != []
    assert (kept[1].told[3][..., 2] == card.told[3][..., 0]).all()


def test_where_nothing_was_kept_there_is_nothing(tmp_path: Path) -> None:
    assert read_forecasts(tmp_path, ["sun"]) is None


@pytest.mark.parametrize("octets", [b"", b"PK\x03\x04 no such thing", b"names,values\n"])
def test_another_file_is_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "forecasts.npz").write_bytes(octets)
    with pytest.raises(ValueError):
        read_forecasts(tmp_path, ["sun"])


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    write_forecasts(tmp_path, *learnt())
    file = tmp_path / "forecasts.npz"
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(ValueError):
        read_forecasts(tmp_path, ["sun"])


def test_columns_of_another_shape_are_refused(tmp_path: Path) -> None:
    past, _ = learnt()
    np.savez(tmp_path / "forecasts.npz", names=np.array(past.names), values=past.values[:5], buckets=past.buckets)
    with pytest.raises(ValueError, match="expected float32"):
        read_forecasts(tmp_path, ["sun"])
    np.savez(tmp_path / "forecasts.npz", names=np.array(past.names))
    with pytest.raises(ValueError, match="values"):
        read_forecasts(tmp_path, ["sun"])
