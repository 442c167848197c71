"""Lines of a users file."""

import io
from dataclasses import replace

import pytest

from protocols.opcua.new_user import main
from protocols.opcua.users import MOST_PASSWORD, NOBODY, Right, hash_of, read_users, user_line


def test_a_line_that_was_made_lets_its_password_in_and_no_other() -> None:
    user = read_users(user_line("ems", Right.OPERATE, "pass:wörd$"))["ems"]
    assert user.right is Right.OPERATE
    assert user.hash.fits("pass:wörd$")
    for wrong in ("pass:word$", "", "pass:wörd$ ", "x" * (MOST_PASSWORD + 1)):
        assert not user.hash.fits(wrong)


def test_two_hashes_of_one_password_differ_and_do_not_hold_it() -> None:
    one, other = str(hash_of("secret")), str(hash_of("secret"))
    assert one != other
    assert "secret" not in one


def test_nobody_has_no_password() -> None:
    assert not any(NOBODY.fits(guess) for guess in ("", "0", "admin"))


def test_blank_lines_and_comments_are_passed_over() -> None:
    line = user_line("view", Right.READ, "p")
    assert list(read_users(f"\n# who may look\n  {line}  \n\n")) == ["view"]


GOOD = str(replace(NOBODY, salt=b"12345678"))


@pytest.mark.parametrize(
    "line",
    [
        "name",
        "name:read",
        f"name:admin:{GOOD}",
        f":read:{GOOD}",
        f"name :read:{GOOD}",
        "name:read:plain",
        "name:read:scrypt$1$2$3$a$b",
        f"name:read:{GOOD.replace('16384', '16385')}",
        f"name:read:{GOOD.replace('16384', '1073741824')}",
        f"name:read:{GOOD.replace('$8$', '$x$')}",
        f"name:read:{GOOD[:-8]}",
        f"name:read:{replace(NOBODY, salt=b'')}",
    ],
)
def test_a_line_that_is_none_is_told_by_its_number_and_not_its_content(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2: expected name:") as found:
        read_users(f"# users\n{line}\n")
    assert "16384" not in str(found.value)


def test_nobody_is_there_twice() -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_users(f"a:read:{GOOD}\na:operate:{GOOD}\n")


@pytest.mark.parametrize(
    ("name", "password"), [("a:b", "p"), ("", "p"), ("#a", "p"), (" a", "p"), ("a\n", "p"), ("a", ""), ("a", "x" * 513)]
)
def test_no_line_is_made_that_could_not_be_read(name: str, password: str) -> None:
    with pytest.raises(ValueError, match="has"):
        user_line(name, Right.READ, password)


def test_the_command_makes_a_line_of_what_comes_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("let me in\n"))
    assert main(["ems", "operate"]) == 0
    user = read_users(capsys.readouterr().out)["ems"]
    assert user.right is Right.OPERATE
    assert user.hash.fits("let me in")


def test_the_command_makes_no_line_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit):
        main(["ems", "operate"])
