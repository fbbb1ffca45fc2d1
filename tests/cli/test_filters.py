from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from render.build import endpoint, ready

from ibsniff.cli.filters import Filters, parse_conversations, parse_endpoint, parse_time
from ibsniff.clock import UTC_CLOCK
from ibsniff.model import NANOSECONDS, ExitCode, Side, UserError

BEGINNING_NS = round(datetime(2026, 1, 5, 8, 15, 30, tzinfo=UTC).timestamp()) * NANOSECONDS


@pytest.mark.parametrize(
    ("text", "ip", "port"),
    [
        ("127.0.0.1", "127.0.0.1", None),
        ("127.0.0.1:7497", "127.0.0.1", 7497),
        ("::1", "::1", None),
        ("[::1]", "::1", None),
        ("[2001:db8::7]:4002", "2001:db8::7", 4002),
    ],
)
def test_an_address_with_or_without_a_port(text: str, ip: str, port: int | None) -> None:
    found = parse_endpoint("--server", text)
    assert found == (ipaddress.ip_address(ip).packed, port)
    assert found.matches(endpoint(ip, port or 999))
    assert found.matches(endpoint(ip, 998)) == (port is None)
    assert not found.matches(endpoint("10.0.0.1", port or 999))


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.0.0.1:", "127.0.0.1:99999", "[::1", "1.2.3", "::1:7497x", "7497"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="not an address") as refused:
        parse_endpoint("--client", text)
    assert refused.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05T09:30:00Z", "2026-01-05T09:30:00"),
        ("2026-01-05 09:30:00.25", "2026-01-05T09:30:00.250"),
        ("2026-01-05T09:30:00-05:00", "2026-01-05T14:30:00"),
        ("09:30", "2026-01-05T09:30:00"),
        ("9:30", "2026-01-05T09:30:00"),
        ("23:59:59.5", "2026-01-05T23:59:59.500"),
        ("+90s", "2026-01-05T08:17:00"),
        ("+90", "2026-01-05T08:17:00"),
        ("+2min", "2026-01-05T08:17:30"),
        ("+1.5h", "2026-01-05T09:45:30"),
        ("+250ms", "2026-01-05T08:15:30.250"),
        ("+1d", "2026-01-06T08:15:30"),
    ],
)
def test_times(text: str, expected: str) -> None:
    limit = parse_time("--from", text, UTC_CLOCK)
    assert limit is not None
    moment = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert limit.at(BEGINNING_NS) == round(moment.timestamp() * 1000) * 1_000_000


@pytest.mark.parametrize("text", ["", "noon", "25:00", "09:61", "+", "+5 weeks", "-5s", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="not a time"):
        parse_time("--to", text, UTC_CLOCK)


@pytest.mark.parametrize("name", ["1", "c", "c0", "x1", "c1x", "C1"])
def test_what_is_no_conversation_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no conversation is called that"):
        parse_conversations(["c1", name])


def test_without_filters_everything_is_taken() -> None:
    one = ready()
    assert Filters().takes_conversation(one.id, one.connection)
    assert Filters().takes_request(None, "REQ_IDS")
    assert Filters().takes_time(0, BEGINNING_NS)


def test_filters_narrow_what_is_taken() -> None:
    one = ready()
    client, server = one.connection.client, one.connection.server
    assert Filters(conversations=parse_conversations(["c1", "c7"])).takes_conversation("c7", one.connection)
    assert not Filters(conversations=parse_conversations(["c1"])).takes_conversation("c7", one.connection)
    assert Filters(client=parse_endpoint("--client", str(client))).takes_conversation("c1", one.connection)
    assert not Filters(server=parse_endpoint("--server", f"{server.ip}:1")).takes_conversation("c1", one.connection)
    assert Filters(request=7).takes_request(7, "REQ_MKT_DATA")
    assert not Filters(request=7).takes_request(8, "REQ_MKT_DATA")
    assert not Filters(request=7).takes_request(None, "REQ_IDS")
    assert Filters(name="req_*data").takes_request(None, "REQ_MKT_DATA")
    assert not Filters(name="REQ_IDS").takes_request(None, "REQ_MKT_DATA")
    since, until = parse_time("--from", "+10", UTC_CLOCK), parse_time("--to", "+20", UTC_CLOCK)
    chosen = [
        second
        for second in range(0, 30, 5)
        if Filters(since=since, until=until).takes_time(BEGINNING_NS + second * NANOSECONDS, BEGINNING_NS)
    ]
    assert chosen == [10, 15, 20]
    assert Filters(side=Side.CLIENT).side is Side.CLIENT
