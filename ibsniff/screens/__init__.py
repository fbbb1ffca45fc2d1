"""Forms of live output: a screen that is repainted, lines, messages as they come, and NDJSON.

Each gets a function to write with. Each is a context manager, which restores the terminal at the end.
"""

from ibsniff.screens.lines import JsonLines, Lines
from ibsniff.screens.messages import MessageLines
from ibsniff.screens.table import LiveScreen

__all__ = ["JsonLines", "Lines", "LiveScreen", "MessageLines"]
