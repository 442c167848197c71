"""Any fragments in any order: the outstation raises nothing, answers only what parses, and holds bounded memory."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3.application import parse_response
from protocols.dnp3.link import FrameParser
from protocols.dnp3.objects import parse_headers
from tests.unit.protocols.dnp3.outstation.wire import QUIET, Wire, point
from vppscada.model.points import Point, PointKind

#: Requests of every function that are right as they stand; the fuzz begins from them.
VALID = [
    bytes.fromhex(request)
    for request in (
        "C0 01 3C 02 06 3C 03 06 3C 04 06 3C 01 06",
        "C1 01 1E 00 00 00 03",
        "C1 01 20 00 08 0200",
        "C1 01 02 03 06",
        "C1 01 1E 05 28 0200 0000 0100",
        "C2 02 50 01 00 07 07 00",
        "C3 02 32 01 07 01 0048E1709B01",
        "C4 03 0C 01 17 01 00 03 01 00000000 00000000 00",
        "C5 04 0C 01 17 01 00 03 01 00000000 00000000 00",
        "C6 05 29 03 28 0100 0000 00002041 00",
        "C7 06 0C 01 28 0100 0000 41 01 64000000 64000000 00",
        "C8 07 14 00 06",
        "C9 14 3C 02 06 3C 03 06 3C 04 06",
        "CA 15 3C 02 06",
        "CB 16 3C 02 06 1E 00 06",
        "CC 17",
        "CD 18",
        "CE 0D",
        "C0 00",
        "D0 00",
    )
]
SETTINGS = replace(QUIET, unsolicited=True, max_fragment=300, max_events=20, confirm_timeout_s=5.0)


def points() -> list[Point]:
    """Five points of each kind, in all classes."""
    kinds = [kind for kind in PointKind for _ in range(5)]
    return [point(kind, n % 5, event_class=n % 4, writable=kind.is_output) for n, kind in enumerate(kinds)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid request with some octets changed, cut or doubled."""
    octets = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(octets) - 1))
        octets[at] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(1, len(octets)))]) + draw(st.binary(max_size=6))


STEPS = st.lists(
    st.one_of(
        damaged(),
        st.sampled_from(VALID),
        st.binary(max_size=60),
        st.floats(0.0, 30.0),
        st.sampled_from([0xFFFD, 0xFFFE, 0xFFFF]),
    ),
    max_size=30,
)


def check(answers: list[bytes]) -> None:
    for answer in answers:
        assert len(answer) <= SETTINGS.max_fragment
        parse_headers(parse_response(answer).body, objects_follow=True)


@given(STEPS, st.integers(0, 1000))
@settings(max_examples=300)
def test_any_fragments_are_survived_and_answered_in_valid_responses(steps: list[bytes | float], seed: int) -> None:
    wire = Wire(points(), SETTINGS)
    check(wire.connect())
    broadcast: int | None = None
    for n, step in enumerate(steps):
        if isinstance(step, bytes):
            check(wire.ask(step, broadcast))
            broadcast = None
        elif isinstance(step, int):
            broadcast = step
        else:
            check(wire.tick(step))
        check(wire.update({row: float((seed + n * row) % 7) for row in range(0, 35, 3)}))
        assert len(wire.core.buffer) <= 3 * SETTINGS.max_events
        deadline = wire.core.deadline()
        assert deadline is None or deadline <= wire.now + 60.0
    # whatever came before, a master that starts anew is served
    wire.connect()
    wire.tick(100.0)
    assert any(answer[1] == 0x81 for answer in wire.ask("CF 17"))


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_any_octets_on_the_wire_are_answered_with_valid_frames_or_not_at_all(pieces: list[bytes]) -> None:
    wire = Wire(points(), SETTINGS)
    wire.connect()
    for piece in pieces:
        statistics: Counter[str] = Counter()
        FrameParser(statistics).feed(wire.octets(piece))
        assert set(statistics) <= {"frames_received"}


@given(st.lists(damaged(), min_size=1, max_size=10))
def test_a_control_that_reaches_the_handler_was_whole(requests: list[bytes]) -> None:
    wire = Wire(points(), SETTINGS)
    wire.connect()
    for request in requests:
        before = len(wire.asked)
        wire.ask(request)
        for _, command in wire.asked[before:]:
            assert request[1] in (3, 4, 5, 6)
            assert wire.core.state.table.points[command.row].writable
