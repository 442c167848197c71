"""Rivals on a unit commitment instance, each in a process of its own that is killed when it overruns.

highspy solves the plain formulation (the very matrices of our reference, on two threads as ours has two
processes); where it is not installed, HiGHS inside MathOpt does on one. EGRET's tight model goes to HiGHS too,
where gridx-egret is installed (extra ``rivals``).
"""

import importlib
import importlib.util
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from vppscada.scheduling import mathopt
from vppscada.scheduling.unit_commitment.plain import plain_formulation
from vppscada.scheduling.unit_commitment.reading import read_problem

THREADS = 2
#: What a rival may overrun its limit by before it is killed: building its model is not counted.
GRACE_S = 30.0
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Rival:
    """What a rival reached; infinite where it found nothing."""

    name: str
    cost: float
    bound: float
    seconds: float


def plain_rival(instance: Path, limit_s: float) -> Rival:
    """HiGHS on the plain formulation."""
    if importlib.util.find_spec("highspy") is None:
        return _run(_mathopt_plain, "MathOpt HiGHS, plain", instance, limit_s)
    return _run(_highspy_plain, "highspy, plain", instance, limit_s)


def egret_rival(instance: Path, limit_s: float) -> Rival | None:
    """EGRET's tight model on HiGHS; None where it is not installed."""
    if importlib.util.find_spec("egret") is None or importlib.util.find_spec("highspy") is None:
        return None
    return _run(_egret_tight, "EGRET tight on HiGHS", instance, limit_s)


def _run(
    work: "Callable[[Connection[Any, Any], Path, float], None]", name: str, instance: Path, limit_s: float
) -> Rival:
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=work, args=(theirs, instance, limit_s), daemon=True)
    started = time.perf_counter()
    process.start()
    theirs.close()
    try:
        if ours.poll(limit_s + GRACE_S):
            cost, bound, seconds = ours.recv()
            return Rival(name, cost, bound, seconds)
        return Rival(f"{name} (killed)", np.inf, -np.inf, time.perf_counter() - started)
    except EOFError:
        return Rival(f"{name} (died)", np.inf, -np.inf, time.perf_counter() - started)
    finally:
        process.kill()
        process.join()
        ours.close()


def _highspy_plain(connection: "Connection[Any, Any]", instance: Path, limit_s: float) -> None:
    highspy: Any = importlib.import_module("highspy")
    matrices = plain_formulation(read_problem(instance)).program.matrices()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(matrices.cost), len(matrices.row_lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = matrices.cost, matrices.lower, matrices.upper
    lp.row_lower_, lp.row_upper_ = matrices.row_lower, matrices.row_upper
    lp.integrality_ = [
        highspy.HighsVarType.kInteger if i else highspy.HighsVarType.kContinuous for i in matrices.integer
    ]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.searchsorted(matrices.row, np.arange(len(matrices.row_lower) + 1)).astype(np.int32)
    lp.a_matrix_.index_, lp.a_matrix_.value_ = matrices.column.astype(np.int32), matrices.coefficient
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", THREADS), ("time_limit", limit_s)):
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    started = time.perf_counter()
    solver.run()
    taken, info = time.perf_counter() - started, solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    connection.send((info.objective_function_value if found else np.inf, info.mip_dual_bound, taken))


def _mathopt_plain(connection: "Connection[Any, Any]", instance: Path, limit_s: float) -> None:
    model = mathopt.model_of(plain_formulation(read_problem(instance)).program.matrices())
    started = time.perf_counter()
    answer = mathopt.run(model, limit_s, 1e-4)
    connection.send((answer.objective, answer.bound, time.perf_counter() - started))


def _egret_tight(connection: "Connection[Any, Any]", instance: Path, limit_s: float) -> None:
    models: Any = importlib.import_module("egret.models.unit_commitment")
    parser: Any = importlib.import_module("egret.parsers.pglib_uc_parser")
    model = models.create_tight_unit_commitment_model(parser.create_ModelData(str(instance)))
    solver: Any = importlib.import_module("pyomo.contrib.appsi.solvers").Highs()
    solver.config.time_limit = limit_s
    solver.config.load_solution = False
    solver.highs_options = {"threads": THREADS}
    started = time.perf_counter()
    result = solver.solve(model)
    cost, bound = result.best_feasible_objective, result.best_objective_bound
    taken = time.perf_counter() - started
    connection.send((np.inf if cost is None else cost, -np.inf if bound is None else bound, taken))
