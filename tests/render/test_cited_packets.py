from __future__ import annotations

from render.build import at, finding

from ibsniff.model import Evidence, Finding, Side
from ibsniff.render.cited_packets import MAX_EVIDENCE, evidence_of


def citing(*packets: int) -> Finding:
    proof = (Evidence(number, at(number, number).time_ns, Side.CLIENT, f"proof {number}") for number in packets)
    return finding(packets=packets)._replace(evidence=tuple(proof))


def test_all_packets_of_a_finding_are_shown_if_they_are_few() -> None:
    rows, omitted = evidence_of(citing(9, 2, 5))
    assert ([one.packet for one in rows], omitted) == ([2, 5, 9], 0)


def test_of_many_packets_the_first_and_the_last_are_shown_and_the_others_counted() -> None:
    rows, omitted = evidence_of(citing(*range(1, 53)))
    assert [one.packet for one in rows] == [*range(1, 15), *range(47, 53)]
    assert (len(rows), omitted) == (MAX_EVIDENCE, 32)
