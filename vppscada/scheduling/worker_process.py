"""The solver process: reads requests from standard input, writes results to standard output. It outlives nobody."""

import ctypes
import os
import pickle
import queue
import signal
import sys
import threading
import time
from dataclasses import replace
from typing import BinaryIO

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling.frames import LENGTH, frame, read_length

_PR_SET_PDEATHSIG = 1
#: Time left for reading out and sending a schedule before the deadline: this share, at most so many seconds.
_MARGIN_SHARE = 0.1
_MARGIN_S = 1.0

Question = tuple[ScheduleRequest, float]


def main(parent: int, niceness: int) -> None:
    """Serve until standard input ends or the parent dies, whatever is being solved."""
    _die_with(parent)
    os.nice(niceness)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is the station's to handle
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    questions: queue.Queue[tuple[Question, float]] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, questions), daemon=True).start()
    from vppscada.scheduling.earlier import Earlier
    from vppscada.scheduling.solve import solve_on  # loads OR-Tools while the first request is under way

    earlier: Earlier | None = None
    while True:
        (request, seconds), arrived = questions.get()
        left_s = seconds - (time.monotonic() - arrived)
        limit_s = min(request.time_limit_s, left_s - min(_MARGIN_S, _MARGIN_SHARE * left_s))
        result: Schedule | SolveFailure
        if limit_s <= 0.0:
            result = SolveFailure(SolveStatus.UNSOLVED, "the deadline had passed before the solve began")
        else:
            result, earlier = solve_on(replace(request, time_limit_s=limit_s), earlier)
        answers.write(frame(result))
        answers.flush()


def _listen(source: BinaryIO, questions: "queue.Queue[tuple[Question, float]]") -> None:
    """Read on while the solver works (it lets go of the interpreter), so that the end of input ends the process."""
    while True:
        head = source.read(LENGTH)
        if len(head) < LENGTH:
            os._exit(0)
        body = source.read(read_length(head))
        questions.put((pickle.loads(body), time.monotonic()))


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; where that cannot be, the end of input will do."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
