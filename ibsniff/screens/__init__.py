"""Ways to show a live capture: a screen that is painted anew, lines, messages as they come, and NDJSON.

Each is handed where to write, and is a context manager: what it took of the terminal it gives back at the end.
"""

from ibsniff.screens.lines import JsonLines, Lines
from ibsniff.screens.messages import MessageLines
from ibsniff.screens.table import LiveScreen

__all__ = ["JsonLines", "Lines", "LiveScreen", "MessageLines"]
