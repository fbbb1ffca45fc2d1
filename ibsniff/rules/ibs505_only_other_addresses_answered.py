"""TWS answers other addresses, and not this one.

Seen: in one capture, a client whose good hello is met with silence (or a hang-up), and another one, from another
address, that the same server answers.
Meaning: TWS works; it does not take connections from this address. It shows a dialog and waits for a click, or it
rejects the address by its settings.
How sure: both are in the capture; between dialog and setting the packets do not decide: medium. Low when the one was
not taken in while the silent one waited, but before or after (TWS may have hung, or not been up; one that takes no new
clients may go on serving the ones it has); when TWS was just going down or starting; or when the one called the loopback
and it is not to be seen that the other called the same machine.
Sources: ib_async 18; ib_insync 529 and 381; IBKR-API-Rust 28; IbcAlpha/IBC 334.
What to do: add this single address to Trusted IPs (ranges are ignored, IPv6 addresses are entries of their own), and
untick "Allow connections from localhost only".
"""

from __future__ import annotations

from ibsniff.model import Capture, Confidence, Connection, Conversation, Fault, Outcome, Rung, Severity
from ibsniff.rules.closing import hung_up
from ibsniff.rules.company import by_server, gone_with, is_starting, served_before
from ibsniff.rules.path import called_from_here, called_from_outside
from ibsniff.rules.registry import Statement, capture_rule
from ibsniff.rules.silences import latest_silent, silent_to_a_good_hello
from ibsniff.rules.words import address_to_trust, settings_path


@capture_rule(Severity.ERROR)
def check(capture: Capture) -> Statement | None:
    """One address served, another not."""
    for conversations in by_server(capture, whole_host=True):
        ready = [one for one in conversations if one.rung is Rung.READY]
        latest = {one.connection.client.address: one for one in conversations if ready and _turned_away(one)}
        hangs = any(_is_no_matter_of_address(one, capture) for one in latest_silent(conversations))
        for one in reversed(latest.values()):
            served = [two for two in ready if _one_machine(one.connection, two.connection)]
            known = any(two.connection.client.address == one.connection.client.address for two in served)
            if not served or known:
                continue
            changing = gone_with(one, capture) is not None or is_starting(conversations, one.connection.last)
            certain = _works_meanwhile(one, served) and not _inferred(one, served) and not changing
            if certain or not hangs:
                return _statement(one, served, certain=certain)
    return None


def _one_machine(called: Connection, served: Connection) -> bool:
    """The same address was called; or this machine's own, and the other call came in from outside."""
    return called.server == served.server or (served.same_host and not called_from_here(called))


def _is_no_matter_of_address(silent: Conversation, capture: Capture) -> bool:
    """Silence where no address can be the reason: it says that TWS hangs."""
    return silent.connection.same_host or served_before(silent, capture) is not None


def _works_meanwhile(one: Conversation, served: list[Conversation]) -> bool:
    """It took one of them in while the other waited.

    To one that hangs up it is enough that it spoke to them before and after: it does take calls.
    """
    connection = one.connection
    began_ns = connection.first.time_ns
    until_ns = connection.ended.moment.time_ns if connection.ended is not None else one.watched_until_ns
    heard = [two.connection.from_server for two in served]
    taken = [half.first_data.time_ns for half in heard if half.first_data is not None]
    if one.outcome is Outcome.SILENT:
        return any(began_ns <= time_ns <= until_ns for time_ns in taken)
    later = any(half.last_data is not None and half.last_data.time_ns >= began_ns for half in heard)
    return later and any(time_ns <= until_ns for time_ns in taken)


def _inferred(one: Conversation, served: list[Conversation]) -> bool:
    """That both called the same TWS is only likely: one called its own machine, and the other an address outside."""
    same = any(two.connection.server == one.connection.server for two in served)
    return not same and not called_from_outside(one.connection)


def _turned_away(conversation: Conversation) -> bool:
    hello = conversation.dialogue.hello
    if conversation.connection.same_host or (hello is not None and not hello.is_valid):
        return False
    return silent_to_a_good_hello(conversation) or hung_up(conversation) is not None


def _statement(one: Conversation, others: list[Conversation], *, certain: bool) -> Statement:
    served = others[0]
    doubt = "" if certain else " This is so if both called one TWS, and it worked at that time."
    address, port = address_to_trust(one.connection), one.connection.server.port
    return Statement(
        f"{one.connection.server} serves {served.connection.client.ip} ({served.id}) and not {address}: it does not take "
        f"connections from this address, or waits for a click to do so.{doubt}",
        Fault.TWS_CONFIG,
        Confidence.MEDIUM if certain else Confidence.LOW,
        packets=(
            *(one.dialogue.hello.packets if one.dialogue.hello else (one.connection.first.packet,)),
            *(served.dialogue.reply.packets if served.dialogue.reply else ()),
        ),
        remedy=f"{settings_path(port)}: add {address} to Trusted IPs (this one address: ranges are ignored, IPv6 is an "
        "entry of its own), and untick Allow connections from localhost only. Look for a dialog on its screen.",
        conversations=(one.id, served.id),
    )
