"""The one door to OR-Tools: matrices in, values, bound and duals out, by MathOpt's protocol buffers.

Filled from NumPy columns instead of Python expressions. HiGHS takes its number of threads as its own option
(MathOpt's is refused), and its bound is a proven one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver

from vppscada.scheduling.program import Matrices

Column = NDArray[np.float64]

THREADS = 1
#: Heuristics of HiGHS that cost a fifth of the time here and found nothing that others did not.
_IDLE_HEURISTICS = ("mip_heuristic_run_root_reduced_cost", "mip_heuristic_run_feasibility_jump")

_REASON = result_pb2.TerminationReasonProto.Name
WITHOUT_LIMIT_S = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a solver found; where it found nothing, ``objective`` is ∞. ``duals`` (rows) only of a linear program."""

    values: Column
    objective: float
    bound: float  # proven; −inf where none was
    duals: Column
    infeasible: bool
    detail: str

    @property
    def found(self) -> bool:
        """There is a solution."""
        return self.objective < np.inf


def model_of(matrices: Matrices) -> Any:
    """The matrices as a model of MathOpt."""
    model = model_pb2.ModelProto()
    variables = model.variables
    variables.ids.extend(range(len(matrices.cost)))
    variables.lower_bounds.extend(matrices.lower.tolist())
    variables.upper_bounds.extend(matrices.upper.tolist())
    variables.integers.extend(matrices.integer.tolist())
    priced = np.flatnonzero(matrices.cost)
    model.objective.offset = matrices.offset
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(matrices.cost[priced].tolist())
    rows = model.linear_constraints
    rows.ids.extend(range(len(matrices.row_lower)))
    rows.lower_bounds.extend(matrices.row_lower.tolist())
    rows.upper_bounds.extend(matrices.row_upper.tolist())
    entries = model.linear_constraint_matrix
    entries.row_ids.extend(matrices.row.tolist())
    entries.column_ids.extend(matrices.column.tolist())
    entries.coefficients.extend(matrices.coefficient.tolist())
    return model


def run(
    model: Any,
    time_limit_s: float = WITHOUT_LIMIT_S,
    relative_gap: float = 0.0,
    hint: Column | None = None,
    good_enough: float | None = None,
    solver_type: int = parameters_pb2.SOLVER_TYPE_HIGHS,
    heuristic_effort: float | None = None,
    on_messages: Callable[[Sequence[str]], None] | None = None,
) -> Answer:
    """Solve a model of `model_of`, from a ``hint`` (values of all columns) if there is one.

    HiGHS stops at a solution whose objective is ``good_enough``, and spends ``heuristic_effort`` (0 to 1, its own
    default without) on finding solutions instead of proving. ``on_messages`` gets the lines of the solver's log
    as they come.

    Raises:
        Exception: whatever the solver's binding throws when it refuses a model; the caller names it.
    """
    parameters = parameters_pb2.SolveParametersProto()
    parameters.relative_gap_tolerance = relative_gap
    parameters.time_limit.FromMilliseconds(max(round(time_limit_s * 1000), 1))
    if solver_type == parameters_pb2.SOLVER_TYPE_HIGHS:
        parameters.highs.int_options["threads"] = THREADS
        for heuristic in _IDLE_HEURISTICS:
            parameters.highs.bool_options[heuristic] = False
        if good_enough is not None:
            parameters.highs.double_options["objective_target"] = good_enough
        if heuristic_effort is not None:
            parameters.highs.double_options["mip_heuristic_effort"] = heuristic_effort
    else:
        parameters.threads = THREADS
    try:
        result = _solved(model, solver_type, parameters, hint, on_messages)
    except Exception:
        if hint is None:
            raise
        result = _solved(
            model, solver_type, parameters, None, on_messages
        )  # HiGHS takes some hints for an error of its own
    return _answer(result, len(model.variables.ids), len(model.linear_constraints.ids))


def _solved(
    model: Any,
    solver_type: int,
    parameters: Any,
    hint: Column | None,
    on_messages: Callable[[Sequence[str]], None] | None,
) -> Any:
    guidance = model_parameters_pb2.ModelSolveParametersProto()
    if hint is not None:
        values = guidance.solution_hints.add().variable_values
        values.ids.extend(range(len(hint)))
        values.values.extend(hint.tolist())
    return solver.solve(
        model,
        solver_type,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        guidance,
        on_messages,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )


def _answer(result: Any, columns: int, rows: int) -> Answer:
    termination = result.termination
    values, duals, objective = np.zeros(0), np.zeros(0), np.inf
    for solution in result.solutions[:1]:
        primal = solution.primal_solution
        if primal.feasibility_status == result_pb2.FEASIBILITY_STATUS_FEASIBLE:
            values = _scattered(primal.variable_values, columns)
            objective = float(primal.objective_value)
        if solution.HasField("dual_solution"):
            duals = _scattered(solution.dual_solution.dual_values, rows)
    return Answer(
        values=values,
        objective=objective,
        bound=float(termination.objective_bounds.dual_bound),
        duals=duals,
        infeasible=termination.reason == result_pb2.TERMINATION_REASON_INFEASIBLE,
        detail=f"{_REASON(termination.reason)}: {termination.detail}",
    )


def _scattered(sparse: Any, length: int) -> Column:
    dense = np.zeros(length)
    dense[np.asarray(sparse.ids, dtype=np.int64)] = np.asarray(sparse.values, dtype=np.float64)
    return dense
