from __future__ import annotations

from render.build import at, finding, ready, silent

from ibsniff.model import Evidence, Finding, Side
from ibsniff.render.timeline import DECISIVE, MAX_EVIDENCE, decisive_events, events, evidence_of


def citing(*packets: int) -> Finding:
    proof = (Evidence(number, at(number, number).time_ns, Side.CLIENT, f"proof {number}") for number in packets)
    return finding(packets=packets)._replace(evidence=tuple(proof))


def test_cited_packets_come_before_decisive_ones_and_those_before_details() -> None:
    selected = decisive_events(events(ready()), citing(9), rows=3)
    assert [event.packet for event in selected] == [1, 2, 9]


def test_a_cited_packet_has_the_words_of_the_finding_and_the_bytes_of_the_timeline() -> None:
    selected = {event.packet: event for event in decisive_events(events(silent()), citing(4, 77), rows=10)}
    assert (selected[4].what, selected[77].what) == ("proof 4", "proof 77")
    assert selected[4].raw == silent().dialogue.hello.raw  # type: ignore[union-attr]


def test_decisive_events_fill_the_rows_that_the_finding_leaves() -> None:
    selected = decisive_events(events(ready()), citing(*range(100, 102)), rows=10)
    decisive = [event for event in events(ready()) if event.weight == DECISIVE]
    assert set(decisive) <= set(selected)


def test_a_finding_with_many_packets_does_not_exceed_the_rows() -> None:
    assert len(decisive_events(events(silent()), citing(*range(1000)), rows=8)) == 8


def test_all_packets_of_a_finding_are_shown_if_they_are_few() -> None:
    rows, omitted = evidence_of(citing(9, 2, 5))
    assert ([one.packet for one in rows], omitted) == ([2, 5, 9], 0)


def test_of_many_packets_the_first_and_the_last_are_shown_and_the_others_counted() -> None:
    rows, omitted = evidence_of(citing(*range(1, 53)))
    assert [one.packet for one in rows] == [*range(1, 15), *range(47, 53)]
    assert (len(rows), omitted) == (MAX_EVIDENCE, 32)
