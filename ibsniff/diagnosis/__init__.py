"""From a conversation to its outcome, its rung and its cause; from all conversations to the verdict.

| module | what it decides |
|---|---|
| `outcome.py` | what the server side did |
| `losses.py` | whether an answer may have come and only not been captured |
| `ladder.py` | how far the conversation got |
| `conclusion.py` | which finding is the cause, and with it fault, confidence and summary |
| `precedence.py` | which of several conversations went worse |
| `explained.py` | which findings follow from another one |
| `problems.py` | everything that is wrong, each problem once |
| `verdict.py` | which of them is the verdict |
"""

from ibsniff.diagnosis.conclusion import conclude
from ibsniff.diagnosis.ladder import first_missing, rung_of
from ibsniff.diagnosis.losses import lost_in_wait
from ibsniff.diagnosis.outcome import outcome_of
from ibsniff.diagnosis.verdict import VerdictSoFar, verdict_of

__all__ = [
    "VerdictSoFar",
    "conclude",
    "first_missing",
    "lost_in_wait",
    "outcome_of",
    "rung_of",
    "verdict_of",
]
