"""The page `docs/conformance.md`: every procedure, its result here and there, and the frames that were exchanged.

``python -m tests.conformance.report`` writes it.
"""

import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from protocols.dnp3.application import FragmentError, Function, parse_request, parse_response
from protocols.dnp3.link import DIR, PRM, FrameParser, Primary, Secondary
from protocols.dnp3.objects import ObjectError, ObjectHeader
from protocols.dnp3.transport import Reassembler
from tests.conformance.replay import DIFFERENCES
from tests.conformance.runs import Procedure, captured, procedures
from tests.conformance.tester import MASTER, OUTSTATION, Tester

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
_MODULES = sorted(path.stem for path in Path(__file__).parent.glob("test_[0-9]*.py"))
_TEST = re.compile(r"test_((?:\d+_)+)\w+")
_MOST_LINES, _MOST_OCTETS = 40, 44

Test = Callable[[Tester], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a procedure."""

    procedure: Procedure
    outcome: str  # PASS, SKIP or FAIL
    reason: str
    lines: list[str]


def procedure_tests() -> dict[str, Test]:
    """The test of each procedure, by its id, which the test's name begins with."""
    found: dict[str, Test] = {}
    for module in _MODULES:
        for name, test in vars(importlib.import_module(f"tests.conformance.{module}")).items():
            if match := _TEST.fullmatch(name):
                found[procedure_of(match[1])] = test
    return found


def procedure_of(digits: str) -> str:
    """The procedure that the digits of a test's name begin with: what follows them may begin with a digit too."""
    parts = digits.rstrip("_").split("_")
    candidates = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next(one for one in candidates if one in procedures())


def run_all() -> Iterator[Result]:
    """Run every procedure's test."""
    known = procedure_tests()
    for procedure in procedures().values():
        tester = Tester()
        outcome, reason = "PASS", ""
        try:
            known[procedure.id](tester)
        except pytest.skip.Exception as skipped:
            outcome, reason = "SKIP", str(skipped)
        except Exception as failed:
            outcome, reason = "FAIL", f"{type(failed).__name__}: {failed}".splitlines()[0]
        yield Result(procedure, outcome, reason, annotated(tester.lines))


def annotated(lines: list[str]) -> list[str]:
    """Frames as octets with what they mean; long ones and long lists are cut."""
    parsers = {side: (FrameParser(Counter()), Reassembler(Counter())) for side in "→←"}
    shown: list[str] = []
    for line in lines[:_MOST_LINES]:
        if line[0] not in parsers:
            shown.append(line)
            continue
        octets = bytes.fromhex(line[2:])
        cut = octets[:_MOST_OCTETS].hex(" ") + (f" … ({len(octets)})" if len(octets) > _MOST_OCTETS else "")
        shown += [f"{line[0]} {cut}", f"    {'; '.join(meaning(octets, *parsers[line[0]]))}"]
    if len(lines) > _MOST_LINES:
        shown.append(f"  … and {len(lines) - _MOST_LINES} more")
    return shown


def meaning(octets: bytes, parser: FrameParser, reassembler: Reassembler) -> Iterator[str]:
    """What a frame says, and the fragment that it completes."""
    frames = parser.feed(octets)
    if not frames:
        yield "no valid frame"
    for frame in frames:
        codes = Primary if frame.control & PRM else Secondary
        code = frame.control & 0x0F
        name = codes(code).name.lower().replace("_", " ") if code in set(codes) else f"link function {code}"
        if code != Primary.UNCONFIRMED_USER_DATA or frame.destination not in (OUTSTATION, MASTER):
            yield f"{name} to {frame.destination}"
        if not frame.data:
            continue
        fragment = reassembler.push(frame.data)
        if fragment is None:
            yield f"segment {frame.data[0] & 0x3F}"
        else:
            yield request(fragment) if frame.control & DIR else response(fragment)


def request(fragment: bytes) -> str:
    """A master's fragment in words."""
    try:
        asked = parse_request(fragment)
        code = asked.function
        name = code.name.lower().replace("_", " ") if isinstance(code, Function) else f"function {code}"
        return f"{name} #{asked.control.sequence} {objects(asked.headers())}".rstrip()
    except (FragmentError, ObjectError):
        return "a fragment that makes no sense"


def response(fragment: bytes) -> str:
    """An outstation's fragment in words."""
    try:
        told = parse_response(fragment)
        control = told.control
        marks = "".join(
            mark
            for mark, is_set in (("FIR ", control.first), ("FIN ", control.final), ("CON ", control.confirm))
            if is_set
        )
        bits = " ".join(bit.name for bit in told.indications if bit.name) or "no indications"
        name = told.function.name.lower().replace("_", " ")
        return f"{name} #{control.sequence} {marks}({bits}) {objects(told.headers())}".rstrip()
    except (FragmentError, ObjectError):
        return "a fragment that makes no sense"


def objects(headers: tuple[ObjectHeader, ...]) -> str:
    """Object headers, equal neighbours once."""
    names: list[str] = []
    for header in headers:
        count = f"×{header.count}" if header.count > 1 else ""
        name = f"g{header.group}v{header.variation}/{int(header.qualifier):02x}{count}"
        if not names or names[-1] != name:
            names.append(name)
    return " ".join(names)


def page(results: list[Result]) -> str:
    """The whole page."""
    counts = Counter(result.outcome for result in results)
    same = len(captured()) - len(DIFFERENCES)
    lines = [
        "# Conformance",
        "",
        "Our outstation under the DNP3 outstation conformance procedures (IEEE 1815 subsets): one test per procedure,",
        "driven by frames through link layer, transport function and application layer, without sockets and with time",
        "by hand. Our own tests, not a certificate. Written by `make conformance`.",
        "",
        f"{len(results)} procedures: {counts['PASS']} pass, {counts['SKIP']} skipped, {counts['FAIL']} fail.",
        "",
        f"For {len(captured())} of them the recorded run of opendnp3's outstation is in `tests/data/dnp3_conformance`;",
        f"played to ours, {same} give the same answers octet for octet. The others differ so:",
        "",
        *(f"- **{procedure}**: {found.reason}" for procedure, found in DIFFERENCES.items()),
        "",
        "## Results",
        "",
        "| Procedure | Title | opendnp3 | ours | recorded run |",
        "|---|---|---|---|---|",
        *(_row(result) for result in results),
        "",
        "## Frames",
        "",
        "→ from the tester, ← from our outstation; under each frame what it says (groups and variations with their",
        f"qualifier and number of objects). Frames are cut at {_MOST_OCTETS} octets, lists at {_MOST_LINES} frames.",
        *(line for result in results for line in _section(result)),
        "",
    ]
    return "\n".join(lines)


def _row(result: Result) -> str:
    procedure = result.procedure
    recorded = ("differs" if procedure.id in DIFFERENCES else "equal") if procedure.captured else ""
    ours = result.outcome if result.outcome == "PASS" else f"{result.outcome}: {result.reason}"
    return f"| {procedure.id} | {procedure.title} | {procedure.reference} | {ours} | {recorded} |"


def _section(result: Result) -> list[str]:
    procedure = result.procedure
    frames = ["```text", *result.lines, "```"] if result.lines else ["No frames."]
    return ["", f"### {procedure.id} {procedure.title}", "", f"{result.outcome} {result.reason}".rstrip(), "", *frames]


def main() -> int:
    """Write the page. Returns 1 if a procedure failed."""
    results = list(run_all())
    PAGE.write_text(page(results), encoding="utf-8")
    print(f"{PAGE}: {dict(Counter(result.outcome for result in results))}")
    return any(result.outcome == "FAIL" for result in results)


if __name__ == "__main__":
    sys.exit(main())
