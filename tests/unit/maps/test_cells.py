"""Lines of cells with their columns."""

from pathlib import Path

from vppscada.maps.cells import table_lines
from vppscada.model.errors import Fault

FILE = Path("x.csv")


def cells(text: str) -> list[list[tuple[str, int]]]:
    faults: list[Fault] = []
    lines = [[(cell.text, cell.column) for cell in line.cells] for line in table_lines(FILE, text, faults)]
    assert not faults
    return lines


def broken(text: str) -> tuple[int, int]:
    faults: list[Fault] = []
    assert not list(table_lines(FILE, text, faults))
    (fault,) = faults
    return fault.line, fault.column


def test_a_cell_knows_the_column_of_its_first_character() -> None:
    assert cells("ab,, c ,d") == [[("ab", 1), ("", 4), ("c", 6), ("d", 9)]]


def test_a_quoted_cell_may_hold_commas_and_quotes() -> None:
    assert cells('a,"b, ""c""",d') == [[("a", 1), ('b, "c"', 3), ("d", 14)]]


def test_columns_count_characters_not_bytes() -> None:
    assert cells("äöü,x") == [[("äöü", 1), ("x", 5)]]


def test_comments_and_blank_lines_are_left_out_and_every_line_end_counts() -> None:
    faults: list[Fault] = []
    lines = list(table_lines(FILE, "# c\r\n\r\na\rb\n\n  # d\nc", faults))
    assert [(line.number, line.cells[0].text) for line in lines] == [(3, "a"), (4, "b"), (7, "c")]


def test_a_quote_that_is_not_closed_is_a_fault_where_it_opens() -> None:
    assert broken('a,"b,c') == (1, 3)


def test_text_after_a_closing_quote_is_a_fault() -> None:
    assert broken('a,"b"c,d') == (1, 3)


def test_a_quote_inside_a_plain_cell_is_a_fault() -> None:
    assert broken('a,b"c",d') == (1, 4)


def test_a_trailing_comma_is_an_empty_cell() -> None:
    assert cells('"a",') == [[("a", 1), ("", 5)]]
