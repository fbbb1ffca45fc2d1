"""Nothing that the wire says reaches an output unmasked: canaries in every field, and every form of output.

Each field that is planted is also seen in some output with --show-accounts: a field that is shown nowhere would prove
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import ib_bytes
import pytest
from ib_bytes import frame, protobuf, text
from masking.outputs import every_output
from wire import Wire

from ibsniff.capture.files import open_capture
from ibsniff.model import UserError
from ibsniff.render.text import Masker, encodable

VERSIONS = (151, 178, 201, 225)
"""Text, text, text behind a raw id, protobuf."""

CANARIES = ("DUK181965", "U-3456789", "U 3456789", "U3.456.789", "F3456789A", "du3456789")


def account_value(version: int, account: str) -> bytes:
    if version < 203:
        return text(version, 6, 2, "NetLiquidation", "100000.00", "USD", account)
    return protobuf(6, {1: "NetLiquidation", 2: "100000.00", 3: "USD", 4: account})


def session(version: int, **planted: str) -> Wire:
    """A session of this server version, with something planted in one of its fields."""
    hello = ib_bytes.hello(100, version, planted.get("options", ""))
    named = planted.get("accounts", "DU0000001")
    said = planted.get("error", "farm is fine")
    return (
        Wire()
        .connect()
        .client(hello)
        .server(ib_bytes.reply(version, planted.get("time", ib_bytes.TIME)))
        .client(start(version, planted.get("capabilities", "")))
        .server(ib_bytes.managed_accounts(version, named) + ib_bytes.next_valid_id(version))
        .server(ib_bytes.error(version, 321, said))
        .server(account_value(version, planted.get("value", "DU0000001")))
        .client(text(version, 3, 5, 0, "AAPL", "STK", planted.get("order", "ref")))
        .server(account_value(version, "DU0000001"), after=1.0)
    )


def start(version: int, capabilities: str) -> bytes:
    if version >= 213:
        return protobuf(71, {1: 7, 2: capabilities})
    return text(version, 71, 2, 7, capabilities)


def joined(account: str) -> Wire:
    """A session whose beginning was not captured."""
    return (
        Wire()
        .server(account_value(178, account))
        .client(text(178, 49, 1))
        .server(ib_bytes.error(178, 201, f"Order rejected: account {account} is closed"))
        .server(account_value(178, account), after=1.0)
    )


def openings(account: str) -> Iterator[tuple[str, Wire]]:
    """First bytes that a report quotes."""
    http = f"GET /acct/{account} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    yield "an HTTP client", Wire().connect().client(http).fin_client(after=4)
    yield "a text client", Wire().connect().client(f"hello {account}\r\n".encode()).fin_client(after=4)
    yield (
        "a client without the prefix",
        Wire().connect().client(frame(f"v100..187 {account}".encode())).fin_client(after=4),
    )
    yield "a web server", Wire().connect().client(ib_bytes.hello()).server(f"HTTP/1.1 400 {account}\r\n".encode())
    yield "another server", Wire().connect().client(ib_bytes.hello()).server(f"{account}: who are you?\n".encode())
    yield "a redirect", Wire().connect().client(ib_bytes.hello()).server(ib_bytes.reply(-1, f"{account}.example:4001"))
    cut_off = ib_bytes.reply(178, f"20260105 {account}")[:-1]
    yield "a reply cut off", Wire().connect().client(ib_bytes.hello()).server(cut_off).fin_server(after=1)
    wrong = text(178, 71, 2, account)
    opened = Wire().connect().client(ib_bytes.hello(100, 178)).server(ib_bytes.reply(178))
    yield "START_API in a wrong form", opened.client(wrong).fin_server(after=1)


FIELDS = ("options", "time", "capabilities", "accounts", "error", "value", "order")


def leaks(said: str, account: str) -> bool:
    """The number can be read: as text, without what stands between its digits, or in hex."""
    number = re.sub(r"\D", "", account)
    joined_up = re.sub(r"[^0-9A-Za-z*]", "", said)
    in_hex = account.encode().hex(" ")
    return account.lower() in said.lower() or number in joined_up or in_hex in said


def check(name: str, wire: Wire, accounts: Iterable[str], folder: Path) -> None:
    path = folder / "capture.pcapng"
    masked, shown = every_output(wire, path), every_output(wire, path, show_accounts=True)
    assert shown.keys() == masked.keys()
    for account in accounts:
        assert [output for output, said in masked.items() if leaks(said, account)] == [], (name, account)
        assert any(leaks(said, account) for said in shown.values()), f"{name}, {account}: the test shows nothing"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("field", FIELDS)
def test_no_account_in_a_session_reaches_an_output(version: int, field: str, tmp_path: Path) -> None:
    check(field, session(version, **{field: ",".join(CANARIES)}), CANARIES, tmp_path)


@pytest.mark.parametrize("account", CANARIES)
def test_no_account_in_an_opening_reaches_an_output(account: str, tmp_path: Path) -> None:
    for name, wire in openings(account):
        check(name, wire, [account], tmp_path)


def test_no_account_in_a_session_joined_midway_reaches_an_output(tmp_path: Path) -> None:
    check("joined midway", joined(", ".join(CANARIES)), CANARIES, tmp_path)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_account_field_is_masked_whatever_stands_in_it(version: int, tmp_path: Path) -> None:
    for account in ("SPARROW99", "Mr. Smith 12"):
        wire = session(version, accounts=f"{account},DU0000002", error=f"no permission for {account}", value=account)
        assert not [name for name, said in every_output(wire, tmp_path / "x.pcapng").items() if account in said]


def test_an_account_split_into_single_bytes_is_masked(tmp_path: Path) -> None:
    whole = ib_bytes.error(178, 321, "account DUK181965 is closed")
    wire = Wire().connect().client(ib_bytes.hello(100, 178)).server(ib_bytes.reply(178))
    for byte in whole:
        wire = wire.server(bytes([byte]), after=0.001)
    check("byte by byte", wire, ["DUK181965"], tmp_path)


@pytest.mark.parametrize("account", ["replied", "server", "silent", "TWS took", "conversation"])
def test_a_server_cannot_rewrite_our_own_words(account: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("x") / "x.pcapng"  # the name of this test holds one of the words
    honest = every_output(session(178), path)
    forged = every_output(session(178, accounts=account), path)
    for name, said in honest.items():
        if not name.startswith("streams"):
            ours = re.sub(r"DU\S+|\d+", "", said)
            assert re.sub(r"[\w*]*\*+[\w*]*|\d+", "", forged[name]) == ours or _words(ours) <= _words(forged[name]), (
                name
            )


def _words(said: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{3,}", said))


def test_the_name_of_a_file_is_masked(tmp_path: Path) -> None:
    said = every_output(session(178), tmp_path / "DUK181965.pcapng")
    assert [name for name, shown in said.items() if "DUK181965" in shown] == []


def test_the_name_of_a_file_is_masked_in_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "DUK181965"
    folder.mkdir()
    (folder / "U-3456789.pcap").write_bytes(b"no capture")
    (folder / "empty U3456788.pcap").write_bytes(b"")
    for path in (*folder.iterdir(), folder, folder / "DU3456787.pcap"):
        with pytest.raises(UserError) as caught:
            open_capture(str(path))
        said = f"{caught.value} {caught.value.what} {caught.value.what_to_do} {encodable(caught.value.what)}"
        assert "DU*****65" in said
        assert not re.search("181965|34567", said)
        assert str(path) in Masker(show_accounts=True).visible_line(caught.value.what)
