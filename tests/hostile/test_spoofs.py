"""What somebody who does not see a connection can do to its verdict: the table in `ibsniff/tcp/README.md`, row by row.

Such a sender knows the addresses and ports, or guesses them, but not the sequence numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ib_bytes import HELLO, READY, REPLY, START
from judging import judge, only
from rule_wires import local, remote
from wire import Wire

from ibsniff.model import ACK, FIN, PSH, RST, SYN, Conversation, Outcome, Segment, Side, Unreachable, UnreachableKind
from ibsniff.tcp import ConnectionTable

FAR = 1 << 28
"""As far from the true sequence number as a guess is, usually."""
CLIENT, SERVER = Side.CLIENT, Side.SERVER
README = Path(__file__).parents[2] / "ibsniff/tcp/README.md"


def hanging() -> Wire:
    """The server received the hello and does not answer."""
    return local().connect().client(HELLO).ack(SERVER)


def given_up(wire: Wire) -> Wire:
    return wire.fin_client(after=5)


def working(wire: Wire) -> Wire:
    return wire.server(REPLY).client(START).server(READY)


@dataclass(frozen=True)
class Spoof:
    """A forged packet, put into a connection by ``forge``; what is concluded is what would be without it."""

    forge: Callable[[Wire], Wire]
    before: Callable[[], Wire] = hanging
    then: Callable[[Wire], Wire] = given_up
    outcome: Outcome = Outcome.SILENT
    """What is concluded."""
    codes: str = ""
    """The findings about the first conversation, where the packet has changed something."""


def forged(side: Side, flags: int, data: bytes = b"", seq: int = FAR, ack: int | None = None) -> Callable[[Wire], Wire]:
    return lambda wire: wire.segment(side, flags, data, seq_offset=seq, ack=ack, advance=False, after=0.5)


def unreachable(wire: Wire) -> Wire:
    """An ICMP error that quotes a segment which was never sent; then the connection goes on."""
    never_sent = wire.lose().segment(CLIENT, SYN, seq_offset=FAR, advance=False, after=0.1)
    return never_sent.unreachable(UnreachableKind.HOST, reporter="172.24.32.254")


def opening() -> Wire:
    return remote().syn()


def connected(wire: Wire) -> Wire:
    return working(wire.syn_ack().ack().client(HELLO))


def tried_again(wire: Wire) -> Wire:
    return wire.syn(after=1).syn(after=2)


def of_working_sessions(forge: Callable[[Wire], Wire]) -> Spoof:
    return Spoof(forge, then=working, outcome=Outcome.REPLIED)


def of_attempts(forge: Callable[[Wire], Wire]) -> Spoof:
    return Spoof(forge, opening, connected, Outcome.REPLIED)


def of_unanswered_attempts(forge: Callable[[Wire], Wire]) -> Spoof:
    return Spoof(forge, opening, tried_again, Outcome.UNREACHABLE)


def never_sent(wire: Wire) -> int:
    """More than the client has sent."""
    return wire.segments()[-1].ack + 5000


SPOOFS: dict[str, tuple[Spoof, ...]] = {
    "RST in answer to a SYN": (
        of_attempts(forged(SERVER, RST, seq=0)),
        of_attempts(forged(SERVER, RST | ACK, ack=7)),
        of_unanswered_attempts(forged(SERVER, RST | ACK, ack=7)),
        of_unanswered_attempts(forged(CLIENT, RST)),
    ),
    "SYN-ACK in answer to a SYN": (
        of_unanswered_attempts(forged(SERVER, SYN | ACK, ack=7)),
        of_unanswered_attempts(forged(CLIENT, SYN | ACK, ack=7)),
    ),
    "anything else in answer to a SYN": (
        of_unanswered_attempts(forged(SERVER, PSH | ACK, REPLY, ack=7)),
        of_attempts(forged(SERVER, PSH | ACK, REPLY, ack=7)),
        of_attempts(forged(SERVER, FIN | ACK, ack=7)),
        of_unanswered_attempts(forged(CLIENT, ACK, ack=7)),
        of_attempts(forged(CLIENT, PSH | ACK, REPLY, ack=7)),
    ),
    "RST": (of_working_sessions(forged(SERVER, RST)), Spoof(forged(CLIENT, RST))),
    "FIN": (
        *(of_working_sessions(forged(side, FIN | ACK, seq=seq)) for side in (CLIENT, SERVER) for seq in (FAR, -FAR)),
        Spoof(forged(SERVER, FIN | ACK)),
    ),
    "SYN-ACK": (
        of_working_sessions(forged(SERVER, SYN | ACK, ack=7)),
        Spoof(forged(CLIENT, SYN | ACK, ack=7)),
    ),
    "data": (
        *(Spoof(forged(SERVER, PSH | ACK, REPLY, seq=seq)) for seq in (FAR, -FAR)),
        *(of_working_sessions(forged(CLIENT, PSH | ACK, REPLY, seq=seq)) for seq in (FAR, -FAR)),
    ),
    "ACK": (
        *(Spoof(forged(SERVER, ACK, seq=seq, ack=1000 + FAR)) for seq in (0, FAR, -FAR)),
        of_working_sessions(forged(CLIENT, ACK, seq=0, ack=900_000 + FAR)),
    ),
    "reply that acknowledges what was never sent": (
        Spoof(lambda w: w.segment(SERVER, PSH | ACK, REPLY, ack=never_sent(w), advance=False, after=0.5)),
        Spoof(
            lambda w: w.segment(SERVER, PSH | ACK, b"HTTP/1.1 400", ack=never_sent(w), advance=False, after=0.1),
            then=lambda w: working(w.ack(after=0.3)),
            outcome=Outcome.REPLIED,
        ),
    ),
    "ICMP error": (of_unanswered_attempts(unreachable),),
}
CASES = [(name, place) for name, spoofs in SPOOFS.items() for place in range(len(spoofs))]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_a_forged_packet_changes_nothing(name: str, place: int) -> None:
    spoof = SPOOFS[name][place]
    attacked, untouched = only(spoof.then(spoof.forge(spoof.before()))), only(spoof.then(spoof.before()))
    assert untouched.outcome is spoof.outcome
    assert concluded(attacked) == concluded(untouched)


def concluded(conversation: Conversation) -> tuple[object, ...]:
    told = [(one.code, one.confidence) for one in conversation.findings]
    return conversation.outcome, conversation.rung, conversation.fault, conversation.connection.unreachable, told


def test_the_tables_are_the_tested_rows() -> None:
    text = README.read_text("utf-8")
    for mark, tested in (("spoofs", SPOOFS), ("guesses", GUESSES)):
        table = text.partition(f"<!-- {mark} -->")[2].partition("<!-- end -->")[0]
        assert [line.split(" | ")[0].removeprefix("| ") for line in table.split("\n")[3:-1]] == list(tested)


# -- what it can do ----------------------------------------------------------------------------------------------------


def both_sides(wire: Wire) -> Wire:
    """Two packets that agree with each other."""
    far = wire.segments()[-1].ack + FAR
    return wire.segment(CLIENT, ACK, seq=far, advance=False, after=0.1).segment(
        SERVER, ACK, ack=far, advance=False, after=0.1
    )


GUESSES: dict[str, Spoof] = {
    "SYN": Spoof(forged(CLIENT, SYN), then=working, outcome=Outcome.UNPROVEN, codes="IBS009"),
    "SYN of the server": Spoof(forged(SERVER, SYN), opening, tried_again, Outcome.UNPROVEN, "IBS009"),
    "RST with a number not far ahead": Spoof(
        forged(SERVER, RST, seq=1 << 20), outcome=Outcome.RESET, codes="IBS005 IBS304"
    ),
    "FIN with a number not far ahead": Spoof(
        forged(SERVER, FIN | ACK, seq=1 << 20), outcome=Outcome.UNPROVEN, codes="IBS416"
    ),
    "ACK with numbers not far ahead": Spoof(
        forged(CLIENT, ACK, seq=1 << 20), then=lambda wire: wire.ack(after=5), codes="IBS005 IBS301"
    ),
    "ACKs of both sides that agree": Spoof(both_sides, then=lambda wire: wire.ack(after=5), codes="IBS005 IBS301"),
    "data with the next number": Spoof(forged(SERVER, PSH | ACK, REPLY, seq=0), outcome=Outcome.REPLIED),
    "ICMP error that quotes the next number": Spoof(
        lambda wire: wire.unreachable(UnreachableKind.HOST, reporter="172.24.32.254"),
        opening,
        lambda wire: wire,
        Outcome.UNREACHABLE,
        "IBS104",
    ),
}


@pytest.mark.parametrize("name", GUESSES)
def test_a_guess_that_hits(name: str) -> None:
    spoof = GUESSES[name]
    conversation = judge(spoof.then(spoof.forge(spoof.before()))).conversations[0]
    found = " ".join(sorted(each.code for each in conversation.findings))
    assert (conversation.outcome, found) == (spoof.outcome, spoof.codes)


# -- and what only looks forged ----------------------------------------------------------------------------------------


def test_a_reply_to_a_hello_that_was_not_captured_is_a_reply() -> None:
    """Its bytes are acknowledged and not captured: the capture's loss."""

    def answered() -> Wire:
        return local().connect().lose().client(HELLO, ack=False).server(REPLY, ack=False)

    for wire in (answered(), answered().ack(), answered().ack().fin_client(after=5), working(answered())):
        conversation = only(wire)
        assert conversation.connection.from_server.captured >= len(REPLY)
        assert conversation.outcome is Outcome.REPLIED


def test_an_icmp_error_about_the_syn_counts() -> None:
    conversation = only(remote().syn().unreachable(UnreachableKind.HOST, reporter="172.24.32.254"))
    assert conversation.outcome is Outcome.UNREACHABLE
    assert conversation.connection.unreachable is not None


def test_an_icmp_error_that_quotes_no_sequence_number_counts() -> None:
    """Then nothing speaks against it."""
    syn, error = remote().syn().unreachable(UnreachableKind.HOST, reporter="172.24.32.254").packets()
    assert isinstance(syn, Segment)
    assert isinstance(error, Unreachable)
    table = ConnectionTable(frozenset({7497}))
    connection, _ = table.feed(syn)
    assert table.unreachable(error._replace(seq=(syn.seq + FAR) % 2**32)) is None
    assert table.unreachable(error._replace(seq=None)) is connection
