"""Every procedure has its test, and the page that tells of them is up to date."""

from tests.conformance.report import PAGE, page, procedure_tests, run_all
from tests.conformance.runs import procedures


def test_every_procedure_has_a_test_with_its_number_in_its_name() -> None:
    assert set(procedure_tests()) == set(procedures())


def test_the_page_is_up_to_date() -> None:
    results = list(run_all())
    assert PAGE.read_text(encoding="utf-8") == page(results), "run `make conformance`"
    assert not [result.procedure.id for result in results if result.outcome == "FAIL"]
