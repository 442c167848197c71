from pathlib import Path

import pytest

from vppscada.admin.command_line import main

SHIPPED = ("demo", "example")


@pytest.mark.parametrize("site", SHIPPED)
def test_a_good_site_is_summed_up(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", site]) == 0
    told = capsys.readouterr().out
    assert "sessions" in told and "points" in told and "MW" in told


def test_every_fault_of_a_bad_site_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[plant]\nname = "x"\nmood = "good"\n\n[[asset]]\nname = "a"\nkind = "batery"\n', encoding="utf-8")
    assert main(["check", str(site)]) == 1
    told = capsys.readouterr().err
    assert f"{site}:3:1: unknown key 'mood'" in told
    assert f"{site}:7:1: kind = 'batery'" in told and "did you mean 'battery'?" in told


def test_any_of_the_four_objectives_may_lead_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    for objective in ("cost", "revenue", "reliability", "efficiency"):
        assert main(["check", "demo", "--set", f"schedule.objective={objective}"]) == 0
    assert main(["check", "demo", "--set", "schedule.objective=glory"]) == 1
    told = capsys.readouterr().err
    assert "objective = 'glory' (overridden); expected one of cost, revenue, reliability, efficiency" in told


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["fly"],
        ["check"],
        ["demo", "--speed", "0"],
        ["demo", "--speed", "nan"],
        ["demo", "--duration", "-1"],
        ["simulate"],
    ],
)
def test_wrong_use_ends_with_2(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["check", "nowhere"], "no site 'nowhere'"),
        (["check", "demo", "--set", "foo"], "expected KEY=VALUE"),
        (["check", "demo", "--set", "session.nope.port=1"], "no session"),
        (["run", "demo", "--speed", "2"], "go together"),
        (["simulate", "demo", "--session", "battery1", "--fault", "melt@3"], "melt"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Loggers keep the stream that they are given, and this test's standard error is closed after it.
    monkeypatch.setattr("vppscada.admin.commands.configure_logs", lambda _: None)
    assert main(options) == 1
    assert words in capsys.readouterr().err
