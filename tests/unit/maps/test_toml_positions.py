"""Where keys of a TOML text stand."""

from vppscada.maps.toml_positions import KeyPath, key_positions


def places(text: str) -> dict[KeyPath, tuple[int, int]]:
    return {
        path: (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)) for path, at in key_positions(text).items()
    }


def test_keys_and_tables_are_found_at_their_first_character() -> None:
    found = places('# c\n[plant]\nname = "x"\n  mode="y" # z = 1\n')
    assert found == {("plant",): (2, 1), ("plant", "name"): (3, 1), ("plant", "mode"): (4, 3)}


def test_tables_of_an_array_are_numbered() -> None:
    found = places("[[a]]\nx = 1\n[[a]]\n[a.sub]\ny = 2\n[[a.more]]\nz = 3\n")
    assert found["a", 0, "x"] == (2, 1)
    assert found["a", 1] == (3, 1)
    assert found["a", 1, "sub", "y"] == (5, 1)
    assert found["a", 1, "more", 0, "z"] == (7, 1)


def test_strings_of_every_sort_hide_what_looks_like_a_key() -> None:
    text = 'a = """\nx = 1\n\\"""""\nb = \'\'\'\ny = 2\'\'\'\nc = "z = 3 # \\" [t]"\nd = \'w = \\\'\ne = 1\n'
    assert places(text) == {("a",): (1, 1), ("b",): (4, 1), ("c",): (6, 1), ("d",): (7, 1), ("e",): (8, 1)}


def test_elements_of_arrays_have_places_across_lines_and_comments() -> None:
    found = places("a = [ # first\n  [1, 2],\n  [3, 4], # last\n]\nb = 1\n")
    assert found["a", 1] == (3, 3)
    assert found["a", 1, 1] == (3, 7)
    assert found["b",] == (5, 1)


def test_inline_tables_dotted_and_quoted_keys_are_paths() -> None:
    found = places('a = { b = 1, "c d" = { e = 2 } }\nf . "g.h" = 3\n')
    assert found["a", "b"] == (1, 7)
    assert found["a", "c d", "e"] == (1, 24)
    assert found["f", "g.h"] == (2, 5)


def test_escapes_in_a_quoted_key_are_read() -> None:
    assert list(key_positions(r'"\u0061\t" = 1')) == [("a\t",)]
