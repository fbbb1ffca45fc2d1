"""Short names stay different, and short sentences end at the end of something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibsniff.render.shortening import short_names, shortened

SENTENCES = (
    "127.0.0.1:4002 hung: 48 clients in a row, from c2 on, sent a valid hello and got no answer. c1 was served before. "
    "It served c51 again after 2 d 00 h."
)


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        (400, SENTENCES),
        (115, SENTENCES[:113]),
        (92, SENTENCES[:91]),
        (80, "127.0.0.1:4002 hung: 48 clients in a row, from c2 on, sent a valid hello …"),
        (50, "127.0.0.1:4002 hung: 48 clients in a row …"),
        (44, "127.0.0.1:4002 hung: 48 clients in a row …"),
        (30, "127.0.0.1:4002 hung …"),
        (10, "127.0.0. …"),
    ],
)
def test_a_text_ends_with_a_sentence_a_clause_or_a_word(longest: int, expected: str) -> None:
    assert shortened(SENTENCES, longest) == expected


def test_a_parenthesis_is_never_left_open() -> None:
    text = "The server accepted the connection (4 s, until the client closed it, and longer) and did not answer at all."
    assert shortened(text, 52) == "The server accepted the connection …"


@given(st.text(st.sampled_from("ab.,: ()")), st.integers(0, 40))
def test_no_text_is_longer_than_its_room(text: str, longest: int) -> None:
    assert len(shortened(text, longest)) <= longest or len(text) <= longest


@pytest.mark.parametrize(
    ("paths", "folder", "names"),
    [
        (["day/a.pcap", "day/b.pcap"], "day/", ["a.pcap", "b.pcap"]),
        (["/x/y/one/capture.pcap", "/x/y/two/capture.pcap"], "/x/y/", ["one/", "two/"]),
        (["x/one/a.pcap", "x/one/b.pcap", "x/two/a.pcap"], "x/", ["one/a.pcap", "one/b.pcap", "two/a.pcap"]),
        (["a.pcap", "x/b.pcap"], "", ["a.pcap", "x/b.pcap"]),
        (["prefix-1.pcap", "prefix-2.pcap"], "", ["prefix-1.pcap", "prefix-2.pcap"]),
        ([r"C:\day\a.pcap", r"C:\day\b.pcap"], "C:\\day\\", ["a.pcap", "b.pcap"]),
        (["/only/one.pcap"], "", ["/only/one.pcap"]),
        ([], "", []),
    ],
)
def test_the_folder_that_all_share_is_told_once(paths: list[str], folder: str, names: list[str]) -> None:
    assert short_names(paths, 40) == (folder, names)


@pytest.mark.parametrize(
    "where", ["{}" + "x" * 60, "x" * 60 + "{}", "x" * 30 + "{}" + "x" * 30, "x" * 12 + "{}" + "x" * 50]
)
def test_long_names_that_differ_stay_different(where: str) -> None:
    names = short_names([f"{where.format(number)}.pcap" for number in range(100, 140)], 28).names
    assert len(set(names)) == 40
    assert max(map(len, names)) == 28


@given(st.lists(st.text(st.sampled_from("ab/"), min_size=1), max_size=8), st.integers(1, 20))
def test_names_fit(paths: list[str], longest: int) -> None:
    folder, names = short_names(paths, longest)
    assert len(names) == len(paths)
    assert all(path.startswith(folder) for path in paths)
    assert all(len(name) <= longest for name in names)
