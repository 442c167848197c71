"""Scripts that a fuzzer can bend: a list of steps as octets, and mutations that keep them steps.

One step is an operation octet, a length octet and so many octets of payload. Any octets at all are a
script, and dropping, doubling, swapping or splicing steps leaves one.
"""

import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

MOST_STEPS = 60


class Step(NamedTuple):
    """What to do, and with what."""

    operation: int
    payload: bytes


def read_script(data: bytes) -> list[Step]:
    """The steps, at most `MOST_STEPS`; a last one may be cut short."""
    steps: list[Step] = []
    at = 0
    while at < len(data) and len(steps) < MOST_STEPS:
        length = data[at + 1] if at + 1 < len(data) else 0
        steps.append(Step(data[at], data[at + 2 : at + 2 + length]))
        at += 2 + length
    return steps


def write_script(steps: Iterable[tuple[int, bytes]]) -> bytes:
    """The octets of a script; payloads are cut at 255."""
    return b"".join(bytes((operation, len(payload[:255]))) + payload[:255] for operation, payload in steps)


def mutate(data: bytes, most: int, seed: int, bend: Callable[[bytes, int], bytes]) -> bytes:
    """One mutation: by steps, or by ``bend(octets, most)`` of the whole script or of one step's payload."""
    chance = random.Random(seed)
    steps: list[tuple[int, bytes]] = [(step.operation, step.payload) for step in read_script(data)]
    kind = chance.randrange(8)
    if not steps or kind == 0:
        return bend(data, most)[:most]
    at = chance.randrange(len(steps))
    if kind == 1:
        del steps[at]
    elif kind == 2:
        steps.insert(chance.randrange(len(steps) + 1), steps[at])
    elif kind == 3:
        other = chance.randrange(len(steps))
        steps[at], steps[other] = steps[other], steps[at]
    elif kind == 4:
        steps.insert(at, (chance.randrange(32), chance.randbytes(chance.randrange(6))))
    elif kind == 5:
        steps[at] = (chance.randrange(32), steps[at][1])
    else:
        operation, payload = steps[at]
        steps[at] = (operation, bend(payload or b"\0", 255))
    return write_script(steps)[:most]
