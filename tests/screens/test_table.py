from __future__ import annotations

import io
from types import TracebackType

from render.build import START_NS, facts, ready, refused, report, silent
from rich.console import Console

from ibsniff.analysis.changes import Change
from ibsniff.model import NANOSECONDS, Conversation, Report, Side
from ibsniff.screens.keys import Keys
from ibsniff.screens.table import LiveScreen, MessageRates


class Pressed(Keys):
    """Keys a test presses."""

    help = "keys"

    def __init__(self) -> None:
        self.next: list[str] = []

    def pressed(self) -> list[str]:
        pressed, self.next = self.next, []
        return pressed


class Shown:
    def __init__(self, keys: Pressed | None = None) -> None:
        self.file = io.StringIO()
        self.keys = keys or Pressed()
        self.stops = 0
        console = Console(
            file=self.file, force_terminal=True, width=80, height=24, legacy_windows=False, color_system=None
        )
        self.screen = LiveScreen(console, False, lambda: "Look at eth0.", self.keys, self.stop, "TWS is on lo.")

    def stop(self) -> None:
        self.stops += 1

    def show(self, each: Report, *pressed: str, changes: list[Change] | None = None) -> str:
        self.keys.next = list(pressed)
        self.file.seek(0)
        self.file.truncate()
        self.screen.show(each, changes or [])
        return self.file.getvalue()


def three(after: float = 6.0) -> Report:
    """Two attempts at different servers that failed, and then a session that works."""
    talks = [silent(id="c1"), silent(id="c2", began_ns=START_NS + NANOSECONDS)]
    talks[1].connection.server = talks[1].connection.server._replace(port=7496)
    newest = ready(id="c3", began_ns=START_NS + 2 * NANOSECONDS)
    until = facts(watched_until_ns=START_NS + round(after * NANOSECONDS))
    return report(*talks, newest)._replace(inputs=(until,))


def test_the_screen_is_repainted_once_a_second_and_upon_news() -> None:
    shown = Shown()
    with shown.screen:
        assert "▸ c3" in shown.show(three(6.0))
        assert shown.show(three(6.2)) == ""
        assert "packets in 7 s" in shown.show(three(7.1))
        news = Change("rung", START_NS, silent(), "connected")
        assert shown.show(three(7.2), changes=[news]) == "", "the screen is the same as before"
        assert "packets in 8 s" in shown.show(three(8.0))


def test_keys_select_rows_and_stop() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(three())
        assert "▸ c1" in shown.show(three(), "up"), "the worst are above what works, of these the newest first"
        assert "▸ c2" in shown.show(three(), "up")
        assert "▸" not in shown.show(three(), "up")
        assert "▸ c3" in shown.show(three(), "last")
        assert "▸ c2" in shown.show(three(), "first")
        assert "▸ c3" in shown.show(three(), "page down")
        assert "▸ c2" in shown.show(three(), "page up")
        assert "▸ c1" in shown.show(three(), "down", "repaint")
        assert "▸ c3" in shown.show(three(), "follow")
        shown.show(three(), "stop")
    assert shown.stops == 1


def test_keys_sort_and_choose_rows() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(three())
        assert "newest first" in shown.show(three(), "sort")
        assert "by server" in shown.show(three(), "sort")
        assert "by server" not in shown.show(three(), "sort", "repaint")
        assert "only problems, 1 other row hidden" in shown.show(three(), "view")
        assert "only healthy, 2 other rows hidden" in shown.show(three(), "view")
        assert "only 127.0.0.1:7497, 1 other row hidden" in shown.show(three(), "view")
        assert "hidden" not in shown.show(three(), "view", "repaint")


def test_one_server_is_no_choice() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(report(silent(), ready(id="c2")))
        assert "hidden" not in shown.show(report(silent(), ready(id="c2")), "view", "view", "view", "repaint")


def test_a_row_without_healthy_ones_can_be_left_again() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(report(silent()))
        assert "No row is left" in shown.show(report(silent()), "view", "view")
        assert "▸ c1" in shown.show(report(silent()), "down", "view")


def test_the_keys_are_explained_until_another_is_pressed() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(three())
        assert "PgUp PgDn" in shown.show(three(), "help")
        assert "▸ c3" in shown.show(three(), "down"), "and nothing else happens"
        shown.show(three(), "help", "stop")
    assert shown.stops == 1


def test_the_selected_conversation_alone_is_scrolled() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(three())
        assert "activity" not in shown.show(three(), "up", "alone", "repaint")
        assert "c1  127.0.0.1" in shown.show(three(), "repaint"), "still the same"
        assert "c1  127.0.0.1" in shown.show(three(), "last", "page up", "first", "repaint")
        assert "▸ c1" in shown.show(three(), "alone")


def test_a_selected_loop_stays_selected_while_its_old_attempts_are_evicted() -> None:
    def seen(first: int) -> Report:
        loop = [silent(id=f"c{n}", began_ns=START_NS + n * NANOSECONDS) for n in range(first, first + 6)]
        until = facts(watched_until_ns=START_NS + (first + 90) * NANOSECONDS)
        return report(*loop, refused(id="c900"))._replace(inputs=(until,))

    shown = Shown()
    with shown.screen:
        shown.show(seen(1))
        shown.show(seen(1), "last")
        assert "▸ c6" in shown.show(seen(1), "up", "up", "repaint")
        for first in range(2, 30, 4):
            assert f"▸ c{first + 5}" in shown.show(seen(first), "repaint")


def test_keys_without_a_conversation_do_nothing() -> None:
    shown = Shown()
    with shown.screen:
        assert "No API conversation yet." in shown.show(report(), "down", "up")


def test_when_the_selected_conversation_is_evicted_the_newest_is_selected() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(three(), "up")
        gone = three(7.0)._replace(conversations=three().conversations[1:])
        assert "▸ c3" in shown.show(gone)


def test_without_traffic_a_hint_is_shown() -> None:
    shown = Shown()
    with shown.screen:
        assert "No API conversation yet. TWS is on lo." in shown.show(report()), "why these interfaces were chosen"
        shown.screen.quiet()
        assert "Look at eth0." in shown.show(report()._replace(inputs=(facts(watched_until_ns=START_NS),)))


def test_an_exception_restores_the_terminal() -> None:
    class Counted(Pressed):
        left = 0

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            self.left += 1

    keys = Counted()
    shown = Shown(keys)
    try:
        with shown.screen:
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert keys.left == 1


def talking(messages: int) -> Conversation:
    one = ready(id="c1")
    one.dialogue.messages[Side.SERVER]["TICK_PRICE"] = messages
    return one


def test_rates_are_messages_per_second_over_the_last_second() -> None:
    rates, second = MessageRates(), START_NS + NANOSECONDS
    assert rates.update([talking(5)], second) == {"c1": 0.0}
    assert rates.update([talking(500)], second + NANOSECONDS // 2) == {"c1": 0.0}
    assert rates.update([talking(1005)], second + 2 * NANOSECONDS) == {"c1": 500.0}
    assert rates.update([talking(1005)], second + 3 * NANOSECONDS) == {"c1": 0.0}
    assert rates.update([], second + 4 * NANOSECONDS) == {}
