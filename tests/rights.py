"""What the user who runs the tests may do: root without its capabilities is stopped by file modes like anybody."""

from __future__ import annotations

import os
import sys

import pytest

from ibsniff.capture.privilege import held_capabilities


def is_all_powerful() -> bool:
    """Whether no file mode stops this process, and it may give files away."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return False
    return sys.platform != "linux" or held_capabilities() != 0


as_root = pytest.mark.skipif(not is_all_powerful(), reason="needs root with its capabilities")
not_as_root = pytest.mark.skipif(is_all_powerful(), reason="root may read everything")
