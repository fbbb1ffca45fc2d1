"""The messages of a conversation: how many of which kind, and the contents of the few that decide."""

from __future__ import annotations

from collections import Counter

from ibsniff.ib import errors, messages, names
from ibsniff.ib.data_farms import take_farm_message
from ibsniff.ib.request_ledger import LedgerMessage, ledger_message
from ibsniff.model import Dialogue, ErrorTally, Message, Moment, ReplyKind, Side, Start, StartForm, WireBytes, WireError

MAX_RAW = 64
"""Bytes of a hello, reply or START_API that are kept to be displayed."""
MAX_FIRST_MESSAGES = 40
"""The set-up of a session has about ten messages; later ones are counted, not kept."""
MAX_ERROR_CODES = 200
"""Different error codes counted in one conversation; IB has about 400 in all."""
MAX_LATEST_ERRORS = 32
"""Errors of whatever code that are kept besides: more in a moment than anybody reads one by one."""
MAX_ERROR_EXAMPLES = 4
"""Errors kept of one code: the first three and the last."""


class MessageSummary:
    """Adds messages to a :class:`Dialogue`."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue

    @property
    def only_counts(self) -> bool:
        """The set-up is over: most messages are only counted."""
        return len(self._dialogue.first_messages) >= MAX_FIRST_MESSAGES

    def counts(self, side: Side) -> Counter[str]:
        """The number of messages of each name from this side, to add to."""
        return self._dialogue.messages[side]

    def check_start(self) -> None:
        """The version reply has come: record which form an earlier START_API should have had."""
        start = self._dialogue.start
        if start is not None:
            self._dialogue.start = start._replace(expected=self._expected_start(start.form))

    def add_message(self, side: Side, raw: bytes, moment: Moment, length: int) -> LedgerMessage:
        """Count a message and read it if it decides something. ``raw`` is its payload, or the beginning of a long one.

        Returns what the ledger of requests reads.
        """
        payload = messages.split_payload(raw)
        name = messages.name_of(side, payload.id)
        dialogue, error = self._dialogue, None
        dialogue.messages[side][name] += 1
        if len(dialogue.first_messages) < MAX_FIRST_MESSAGES:
            dialogue.first_messages.append(Message(side, name, payload.id, moment, length))
        if side is Side.CLIENT:
            if payload.id == names.START_API and dialogue.start is None:
                self._start(payload, raw, moment)
        elif payload.id == names.ERR_MSG:
            error = messages.decode_error(payload, self.server_version(), moment)
            self._error(error)
        elif payload.id == names.NEXT_VALID_ID:
            dialogue.next_valid_id = dialogue.next_valid_id or moment
            self._check_ready(moment)
        elif payload.id == names.MANAGED_ACCTS:
            if dialogue.managed_accounts is None:
                dialogue.managed_accounts = moment
                dialogue.accounts = messages.decode_accounts(payload)
            self._check_ready(moment)
        return ledger_message(side, payload, moment, self.server_version(), error)

    def server_version(self) -> int | None:
        """The version that the server replied with."""
        return self._dialogue.reply.server_version if self._dialogue.reply else None

    def _start(self, payload: messages.Payload, raw: bytes, moment: Moment) -> None:
        form, client_id = messages.decode_start(payload)
        self.add_start(form, client_id, raw, moment)

    def add_start(self, form: StartForm, client_id: int | None, raw: bytes, moment: Moment) -> None:
        """Record how the client began its session, with the bytes ``raw``."""
        reply = self._dialogue.reply
        has_reply = reply is not None and reply.is_whole
        expected = self._expected_start(form) if has_reply else None
        self._dialogue.start = Start(
            form, client_id, WireBytes(raw).beginning(MAX_RAW), moment, not has_reply, expected
        )

    def add_unframed(self, side: Side, moment: Moment, detail: str) -> None:
        """Record where the bytes of a side stop being frames, the first time."""
        self._dialogue.unframed.setdefault(side, moment)
        self._dialogue.unframed_detail.setdefault(side, detail)

    def _expected_start(self, form: StartForm) -> StartForm | None:
        """The form that the reply requires; TWS serves legacy clients of every version, so for them any form is right."""
        reply = self._dialogue.reply
        if reply is None or reply.server_version is None:
            return None
        return form if reply.kind is ReplyKind.LEGACY else messages.expected_start(reply.server_version)

    def _check_ready(self, moment: Moment) -> None:
        dialogue = self._dialogue
        if dialogue.ready is None and dialogue.next_valid_id and dialogue.managed_accounts:
            dialogue.ready = moment

    def _error(self, error: WireError | None) -> None:
        if error is None:
            return
        take_farm_message(self._dialogue.farms, error)
        if error.code in errors.IB_CONNECTION:
            self._dialogue.ib_connection = error
        tallies = self._dialogue.errors
        if error.code not in tallies and len(tallies) >= MAX_ERROR_CODES:
            self._dialogue.errors_beyond += 1
            return
        tally = tallies.setdefault(error.code, ErrorTally())
        tally.count += 1
        self._dialogue.latest_errors = (*self._dialogue.latest_errors, error)[-MAX_LATEST_ERRORS:]
        if len(tally.examples) == MAX_ERROR_EXAMPLES:
            tally.examples.pop()
        tally.examples.append(error)
