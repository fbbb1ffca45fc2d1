"""Words that are told apart by what was met before: the same counts as one by one, however few can be remembered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ibsniff.ib import known_words
from ibsniff.ib.known_words import KnownWords
from ibsniff.ib.request_words import FORM_SHIFT, PART_FORMS, read_word

forms = [number for number, (_, is_protobuf) in enumerate(PART_FORMS, 1) if not is_protobuf]
made = st.one_of(
    st.just(0),
    st.builds(
        lambda form, request: form << FORM_SHIFT | int.from_bytes(b"%d" % request, "little"),
        st.sampled_from(forms[:3]),
        st.integers(-3, 30),
    ),
    st.just(forms[0] << FORM_SHIFT | int.from_bytes(b"x1", "little")),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(made, min_size=1, max_size=40), max_size=4), st.sets(st.integers(-3, 30)))
@pytest.mark.parametrize(("most", "bits"), [(4096, 16), (4096, 2), (9, 16), (2, 1)])
def test_words_are_counted_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch, most: int, bits: int, runs: list[list[int]], ids: set[int]
):
    monkeypatch.setattr(known_words, "MAX_WORDS", most)
    monkeypatch.setattr(known_words, "HASH_BITS", bits)
    known = KnownWords()
    keys = {*ids, "REQ_ACCT_DATA"}
    for words in runs:
        wanted = []
        for word in set(words) - {0}:
            answers, number = read_word(word)
            places = [place for place, other in enumerate(words) if other == word]
            wanted += [
                (key, (word, answers, number, places[0], places[-1], len(places)))
                for key in ([number] if answers[0].has_id else [answer.request for answer in answers])
                if key in keys
            ]
        assert sorted(known.count(np.array(words, np.uint64), keys), key=str) == sorted(wanted, key=str)
