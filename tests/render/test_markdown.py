from __future__ import annotations

from textwrap import dedent

import pytest
from render.build import ACCOUNT, many, read_only, refused, report, silent

from ibsniff.render.markdown import escape, markdown


def test_a_ticket() -> None:
    assert markdown(report(silent()), tool_version="1.2.3") == dedent("""\
        **It does not work: the program gets no API session with 127.0.0.1:7497. """) + dedent("""\
        You probably must act: look after TWS or Gateway, on the machine where both run.**

        TWS took the connection and the hello, and never answered.
        IBS301 silent-on-this-host · you: TWS or Gateway · likely, not proved

        c1, 127.0.0.1:50123 → 127.0.0.1:7497, 2026-01-05 09:30:00 UTC:
        ✓ called (packet 1, 0 s) · ✓ connected (packet 2, 50 µs) · ✓ greeted (packet 4, 0.4 ms) · """) + dedent("""\
        ✗ answered: no reply in 4 s · started · ready

        | packet | time since packet 1 | | what |
        |--:|--:|---|---|
        | 1 | 0 s | → | SYN: the client asks for a connection |
        | 2 | 50 µs | ← | SYN-ACK: the server accepts |
        | 4 | 0.4 ms | → | hello, versions 100 to 187 (official client 10.30, or a fork?) `41 50 49 00 00 00 00 09 76 31 30 30 2e 2e 31 38 37` |
        | 5 | 0.5 ms | ← | ACK of the hello: it has arrived |
        | 6 | 4 s | → | FIN: the client closes the connection |

        Wireshark: `(ip.addr eq 127.0.0.1 and tcp.port eq 50123 and tcp.port eq 7497)`

        **What to do:** Restart TWS or IB Gateway. Stop health checks that open the API port and send nothing.

        **It could also be:**

        * TWS is frozen: its window does not react; jstack shows where it hangs
        * TWS has just started: try again after 90 seconds

        **Who is who:**

        * your program: 127.0.0.1:50123; official client 10.30, or a fork?
        * server: 127.0.0.1:7497; usually TWS, paper trading
        * machines: one: the program and the server run on it

        **Environment:**

        * capture: bot.pcapng: 6 packets, Ethernet · from 2026-01-05 09:30:00 to 09:30:06 UTC (end: stated by the file)
        * analysed with: ibsniff 1.2.3; times are UTC
        """)


def test_grouped_conversations_are_facts_of_the_environment() -> None:
    text = markdown(many())
    assert (
        "* 300 conversations silent, 127.0.0.1 → 127.0.0.1:7497, 2026-01-05 09:30:00 to 14:29:00 UTC, every 60 s\n"
        in text
    )
    assert "* 14:30:00: c301: the session became ready" in text


def test_several_problems_have_a_table_and_then_each_its_proof() -> None:
    text = markdown(report(silent(), refused(id="c2")))
    assert text.count("| packet | time since packet 1 | | what |") == 2
    assert "| | what | where | how often (2026-01-05, UTC) | who must act |" in text
    assert "| 2 | silent on this host | 127.0.0.1:7497 | once, 09:30:00 | you: TWS or Gateway |" in text
    assert "### Problem 2 of 2" in text
    assert "### Problem 1" not in markdown(report(silent(), refused(id="c2")), problem=2)


def test_an_empty_report() -> None:
    assert markdown(report()).startswith("**The capture contains no conversation with TWS or IB Gateway.**\n")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("a | b `c` *d* _e_ ~~f~~", r"a \| b \`c\` \*d\* \_e\_ \~\~f\~\~"),
        ("[x](javascript:1) ![y](z)", r"\[x\](javascript:1) !\[y\](z)"),
        ("https://evil.example www.evil.example", "https: //evil.example www. evil.example"),
        ("@everyone #12 &amp; \\x1b $x$", r"(at)everyone \#12 &amp;amp; \\x1b \$x\$"),
    ],
)
def test_text_that_a_ticket_system_would_act_on_is_escaped(text: str, written: str) -> None:
    assert escape(text) == written


def test_accounts_are_masked_unless_asked_for() -> None:
    assert ACCOUNT not in markdown(report(read_only()))
    assert r"DU\*\*\*\*\*67" in markdown(report(read_only()))
    assert ACCOUNT in markdown(report(read_only()), show_accounts=True)


def test_a_ticket_stays_short() -> None:
    assert len(markdown(report(refused())).splitlines()) <= 30
    assert len(markdown(many()).splitlines()) <= 55
