"""What forecasts are made of and how good they were, kept beside the journal: a restart need not learn it again."""

import os
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from vppscada.plant.forecasting import Past
from vppscada.plant.scorecard import LEADS, Scorecard

_NAME = "forecasts.npz"


def write_forecasts(directory: Path, past: Past, card: Scorecard) -> None:
    """Put a new file in place of the old one, whole or not at all.

    Raises:
        OSError: it cannot be written; the old one stands.
    """
    aside = directory / f"{_NAME}.new"
    columns: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
    for lead, waiting, told in zip(LEADS, card.waiting, card.told, strict=True):
        columns |= {f"waiting_{lead}": waiting, f"told_{lead}": told}
    with aside.open("wb") as file:
        np.savez(
            file,
            names=np.array(past.names, dtype=np.str_),
            values=past.values,
            buckets=past.buckets,
            sums=card.sums,
            outturns=card.outturns,
            **columns,  # type: ignore[arg-type]  # numpy types a flag of its own among them
        )
        file.flush()
        os.fsync(file.fileno())
    aside.replace(directory / _NAME)


def read_forecasts(directory: Path, names: Sequence[str]) -> tuple[Past, Scorecard] | None:
    """What was kept, for these names; None where nothing was.

    Raises:
        ValueError: the file is not one of these.
        OSError: it cannot be read.
    """
    file = directory / _NAME
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as kept:
            before = [str(name) for name in kept["names"]]
            past, card = Past(before), Scorecard(before)
            _fill(past.values, kept["values"])
            _fill(past.buckets, kept["buckets"])
            _fill(card.sums, kept["sums"])
            _fill(card.outturns, kept["outturns"])
            for lead, waiting, told in zip(LEADS, card.waiting, card.told, strict=True):
                _fill(waiting, kept[f"waiting_{lead}"])
                _fill(told, kept[f"told_{lead}"])
    except (KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f"{file}: {error}") from error
    return past.renamed(names), card.renamed(names)


def _fill(column: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", kept: object) -> None:
    found = np.asarray(kept)
    if found.shape != column.shape or found.dtype != column.dtype:
        raise ValueError(f"{found.dtype} {found.shape}, expected {column.dtype} {column.shape}")
    column[...] = found
