"""Whatever was recorded: the parts of a time have the energy of the whole, and a pack finds every touch."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vppscada.model.quality import Quality
from vppscada.proof.courses import Course, course
from vppscada.proof.pack import MANIFEST, faults_of, manifest

SINCE, UNTIL = 1_000, 9_000
CHANGES = st.lists(
    st.tuples(st.integers(0, 10_000), st.floats(-50.0, 50.0), st.sampled_from([Quality.ONLINE, Quality.COMM_LOST])),
    max_size=30,
)
DOWN = st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 900)), max_size=3)
FILES = st.dictionaries(st.text("abc/.", min_size=1, max_size=6), st.binary(max_size=20), min_size=1, max_size=6)


def made(changes: list[tuple[int, float, Quality]], down: list[tuple[int, int]]) -> Course:
    ordered = sorted(changes, key=lambda one: one[0])
    return course(
        SINCE,
        UNTIL,
        np.array([one[0] for one in ordered], dtype=np.int64),
        np.array([one[1] for one in ordered]),
        np.array([one[2] for one in ordered], dtype=np.uint16),
        [(at, at + length) for at, length in down],
    )


@given(CHANGES, DOWN, st.lists(st.integers(SINCE + 1, UNTIL - 1), unique=True, max_size=6))
def test_energy_of_the_parts_is_that_of_the_whole(
    changes: list[tuple[int, float, Quality]], down: list[tuple[int, int]], inner: list[int]
) -> None:
    one = made(changes, down)
    edges = [SINCE, *sorted(inner), UNTIL]
    mean, known = one.means(edges)
    whole, sure = one.means([SINCE, UNTIL])
    length = np.diff(np.array(edges, dtype=np.float64))
    assert (np.nan_to_num(mean) * known * length).sum() == pytest.approx(
        float(np.nan_to_num(whole)[0] * sure[0]) * (UNTIL - SINCE), abs=1e-6
    )
    unknown = sum(end - begin for begin, end in one.unknown())
    assert unknown == pytest.approx((1.0 - sure[0]) * (UNTIL - SINCE), abs=1e-6)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(one.unknown()))


@given(FILES, st.data())
def test_every_touch_of_a_pack_is_found_by_its_name(files: dict[str, bytes], data: st.DataObject) -> None:
    packed = {**files, MANIFEST: manifest(files)}
    assert faults_of(packed) == []
    name = data.draw(st.sampled_from(sorted(files)))
    assert faults_of({**packed, name: files[name] + b"!"}) == [f"{name} is changed"]
    assert faults_of({key: value for key, value in packed.items() if key != name}) == [f"{name} is missing"]
    assert faults_of({**packed, "new one": b""}) == ["new one is not in the manifest"]
