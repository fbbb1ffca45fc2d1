from __future__ import annotations

import io
from types import TracebackType

from render.build import START_NS, facts, ready, report, silent
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
        self.screen = LiveScreen(
            console, False, lambda: "Look at eth0.", self.keys, self.stop, lambda: {"c1": ["java"]}, "TWS is on lo."
        )

    def stop(self) -> None:
        self.stops += 1

    def show(self, each: Report, *pressed: str, changes: list[Change] | None = None) -> str:
        self.keys.next = list(pressed)
        self.file.seek(0)
        self.file.truncate()
        self.screen.show(each, changes or [])
        return self.file.getvalue()


def three(after: float = 6.0) -> Report:
    talks = [silent(id="c1"), silent(id="c2", began_ns=START_NS + NANOSECONDS)]
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
        assert "▸ c2" in shown.show(three(), "down")
        assert "▸ c1" in shown.show(three(), "down")
        assert "▸" not in shown.show(three(), "down")
        assert "java" in shown.show(three(), "repaint")
        assert "▸ c3" in shown.show(three(), "up", "up", "up")
        assert "▸ c2" in shown.show(three(), "down")
        assert "▸ c3" in shown.show(three(), "newest")
        shown.show(three(), "stop")
    assert shown.stops == 1


def test_keys_without_a_conversation_do_nothing() -> None:
    shown = Shown()
    with shown.screen:
        assert "No API conversation yet." in shown.show(report(), "down", "up")


def test_when_the_selected_conversation_is_evicted_the_newest_is_selected() -> None:
    shown = Shown()
    with shown.screen:
        shown.show(three(), "down", "down")
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
