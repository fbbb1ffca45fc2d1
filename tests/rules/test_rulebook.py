"""The SET of rules: documented, reachable, each with a case it must see and one it must not."""

from __future__ import annotations

import inspect
import re
import sys

import pytest
from ib_bytes import HELLO, READY, REPLY, START
from judging import codes, findings, judge
from rule_wires import CASES, FOLDED
from wire import Wire

from ibsniff.analysis import pipeline
from ibsniff.model import Confidence, Fault, Outcome, Report, Severity
from ibsniff.rules import Rule, all_rules
