"""What holds for every test: Hypothesis is patient with a slow machine.

Its first text strategy in a fresh clone builds tables of Unicode first, which takes seconds on a busy machine and is no
fault of a test; neither is a slow example.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
