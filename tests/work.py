"""How much work something is: counted in calls, which do not depend on the machine, and beside any tracing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import ibsniff

PACKAGE = str(Path(ibsniff.__file__).parent)


def calls_made(action: Callable[[], object]) -> int:
    """How many functions of the program an action calls."""
    count = 0

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(PACKAGE)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count
