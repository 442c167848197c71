"""A mixed-integer program collected in NumPy columns: blocks of variables, rows, and entries of the matrix."""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Index = NDArray[np.int64]
Column = NDArray[np.float64]
Flags = NDArray[np.bool_]
Term = tuple[Index, ArrayLike]  # columns, and coefficients that broadcast against them


class Limit(IntEnum):
    """What a row stands for, where an explanation of the plan asks for it."""

    OTHER = 0
    BALANCE = 1
    CURVE = 2  # a power and the segments of its fuel curve
    GENERATION = 3  # power and reserve of a unit that is on
    RAMP_UP = 4
    RAMP_DOWN = 5
    ENERGY = 6  # what flows into and out of a store
    FLOOR = 7
    CEILING = 8
    FINAL_ENERGY = 9
    CYCLES = 10
    RESERVE_POWER = 11
    RESERVE_ENERGY = 12
    COVER = 13
    LEADING = 14  # what an earlier tier of the objective is held to
    BEFORE_STOP = 15  # as GENERATION, less in the last step before a stop
    ONE_WAY = 16  # charge or discharge
    HELD_DOWN = 17  # power that could be taken away
    RESERVE_ROOM = 18  # room in a store for it
    GROUP = 19  # of a feeder, an inverter, a point of connection
    DOUBT = 20  # what is sure of sun and wind


class Stage(IntEnum):
    """Which solves need a row.

    The search for a commitment wants a tight linear relaxation. Once a commitment is fixed, what made it tight binds
    beside the plain limits, and their duals would be shared between the two: then only the plain ones stand.
    """

    ALWAYS = 0
    SEARCH = 1  # cuts off no whole commitment: follows from the rows of the other two stages
    SETTLING = 2  # plain: follows from the rows of the other two stages


@dataclass(frozen=True, slots=True, eq=False)
class Matrices:
    """The program as a solver takes it: minimise cost·x + offset, row and column bounds, entries by row."""

    cost: Column
    offset: float
    lower: Column
    upper: Column
    integer: Flags
    row_lower: Column
    row_upper: Column
    row: Index  # sorted, with `column` ascending within a row, no pair twice
    column: Index
    coefficient: Column


class Program:
    """Grows block by block. Blocks and rows are index arrays, shaped as the caller thinks of them."""

    def __init__(self) -> None:
        self.columns = 0
        self.row_count = 0
        self.offset = 0.0
        self._lower: list[Column] = []
        self._upper: list[Column] = []
        self._integer: list[Flags] = []
        self._row_lower: list[Column] = []
        self._row_upper: list[Column] = []
        self._row_limit: list[Index] = []
        self._row_stage: list[Column] = []
        self._entries: list[tuple[Index, Index, Column]] = []
        self._prices: list[tuple[Index, Column]] = []

    def block(
        self, shape: tuple[int, ...], lower: ArrayLike = 0.0, upper: ArrayLike = np.inf, integer: bool = False
    ) -> Index:
        """New variables; bounds broadcast to ``shape``."""
        count = int(np.prod(shape))
        self._lower.append(_spread(lower, shape))
        self._upper.append(_spread(upper, shape))
        self._integer.append(np.full(count, integer, dtype=np.bool_))
        made = np.arange(self.columns, self.columns + count, dtype=np.int64).reshape(shape)
        self.columns += count
        return made

    def rows(
        self,
        shape: tuple[int, ...],
        lower: ArrayLike,
        upper: ArrayLike,
        *terms: Term,
        limit: Limit = Limit.OTHER,
        stage: ArrayLike = Stage.ALWAYS,
    ) -> Index:
        """New rows lower ≤ Σ terms ≤ upper; each term has one column for each row (shape broadcasts).

        ``stage`` (of `Stage`) broadcasts to ``shape``.
        """
        count = int(np.prod(shape))
        self._row_lower.append(_spread(lower, shape))
        self._row_upper.append(_spread(upper, shape))
        self._row_limit.append(np.full(count, int(limit), dtype=np.int64))
        self._row_stage.append(_spread(stage, shape))
        made = np.arange(self.row_count, self.row_count + count, dtype=np.int64).reshape(shape)
        self.row_count += count
        for columns, coefficients in terms:
            self.add(made, columns, coefficients)
        return made

    def at_most(
        self,
        shape: tuple[int, ...],
        upper: ArrayLike,
        *terms: Term,
        limit: Limit = Limit.OTHER,
        stage: ArrayLike = Stage.ALWAYS,
    ) -> Index:
        """Rows Σ terms ≤ upper."""
        return self.rows(shape, -np.inf, upper, *terms, limit=limit, stage=stage)

    def at_least(self, shape: tuple[int, ...], lower: ArrayLike, *terms: Term, limit: Limit = Limit.OTHER) -> Index:
        """Rows Σ terms ≥ lower."""
        return self.rows(shape, lower, np.inf, *terms, limit=limit)

    def equal(self, shape: tuple[int, ...], value: ArrayLike, *terms: Term, limit: Limit = Limit.OTHER) -> Index:
        """Rows Σ terms = value."""
        return self.rows(shape, value, value, *terms, limit=limit)

    def add(self, rows: Index, columns: Index, coefficients: ArrayLike) -> None:
        """Entries of rows that stand already; the three broadcast against each other. Equal pairs add up."""
        row, column, value = np.broadcast_arrays(rows, columns, np.asarray(coefficients, dtype=np.float64))
        self._entries.append((row.ravel(), column.ravel(), value.ravel()))

    def price(self, columns: Index, cost: ArrayLike) -> None:
        """Add to the cost of columns (currency per unit); the two broadcast."""
        column, value = np.broadcast_arrays(columns, np.asarray(cost, dtype=np.float64))
        self._prices.append((column.ravel(), value.ravel()))

    def hold(self, judged: Matrices, most: float) -> None:
        """Keep what was judged by ``judged`` at or below ``most``, and begin anew to price columns.

        ``judged`` is this program as it was priced before.
        """
        priced = np.flatnonzero(judged.cost)
        row = self.at_most((1,), most - judged.offset, limit=Limit.LEADING)
        self.add(row, priced, judged.cost[priced])
        self._prices.clear()
        self.offset = 0.0

    def row_limits(self) -> Index:
        """What each row stands for, as numbers of `Limit`."""
        return _joined(self._row_limit).astype(np.int64)

    def row_stages(self) -> Index:
        """Which solves need each row, as numbers of `Stage`."""
        return _joined(self._row_stage).astype(np.int64)

    def for_search(self, matrices: Matrices) -> Matrices:
        """This program's matrices without the rows of `Stage.SETTLING`; rows are numbered anew."""
        kept = self.row_stages()[: len(matrices.row_lower)] != Stage.SETTLING
        place, entry = np.cumsum(kept) - 1, kept[matrices.row]
        return replace(
            matrices,
            row_lower=matrices.row_lower[kept],
            row_upper=matrices.row_upper[kept],
            row=place[matrices.row[entry]],
            column=matrices.column[entry],
            coefficient=matrices.coefficient[entry],
        )

    def for_settling(self, matrices: Matrices) -> Matrices:
        """This program's matrices, the rows of `Stage.SEARCH` without bounds; rows keep their numbers."""
        idle = self.row_stages()[: len(matrices.row_lower)] == Stage.SEARCH
        return replace(
            matrices,
            row_lower=np.where(idle, -np.inf, matrices.row_lower),
            row_upper=np.where(idle, np.inf, matrices.row_upper),
        )

    def matrices(self) -> Matrices:
        """All of it in columns."""
        cost = np.zeros(self.columns)
        for column, value in self._prices:
            np.add.at(cost, column, value)
        row, column, coefficient = self._matrix()
        return Matrices(
            cost=cost,
            offset=self.offset,
            lower=_joined(self._lower),
            upper=_joined(self._upper),
            integer=_joined(self._integer).astype(np.bool_),
            row_lower=_joined(self._row_lower),
            row_upper=_joined(self._row_upper),
            row=row,
            column=column,
            coefficient=coefficient,
        )

    def _matrix(self) -> tuple[Index, Index, Column]:
        row = _joined([entry[0] for entry in self._entries]).astype(np.int64)
        column = _joined([entry[1] for entry in self._entries]).astype(np.int64)
        value = _joined([entry[2] for entry in self._entries])
        place, where = np.unique(row * max(self.columns, 1) + column, return_inverse=True)
        total = np.bincount(where, weights=value, minlength=len(place))
        place, total = place[total != 0.0], total[total != 0.0]
        return place // max(self.columns, 1), place % max(self.columns, 1), total


def _spread(value: ArrayLike, shape: tuple[int, ...]) -> Column:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).ravel()


def _joined(parts: "list[Column] | list[Flags] | list[Index]") -> Column:
    return np.concatenate(parts) if parts else np.zeros(0)
