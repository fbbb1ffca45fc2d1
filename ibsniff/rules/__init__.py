"""The rulebook: each rule is one file with one function; the name of the file is the code and name of the rule.

``IBS0xx`` can this capture be trusted; ``1xx`` reaching the socket; ``2xx`` what the client sent; ``3xx`` what TWS
answered; ``4xx`` after the session is up; ``5xx`` across conversations. A code is for life.
"""

from ibsniff.rules.judge import apply_rule, judge_capture, judge_conversation, tell_outages
from ibsniff.rules.registry import Rule, all_rules, catalogue, explained

__all__ = [
    "Rule",
    "all_rules",
    "apply_rule",
    "catalogue",
    "explained",
    "judge_capture",
    "judge_conversation",
    "tell_outages",
]
