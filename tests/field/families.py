"""The seventy threads, by family."""

from __future__ import annotations

from field.a_port_closed import CLOSED_PORT
from field.b_unanswered import UNANSWERED
from field.c_hung_up import HUNG_UP
from field.d_silent import SILENT
from field.e_turned_away import TURNED_AWAY
from field.f_stalled import STALLED
from field.thread import Family

FAMILIES: dict[str, Family] = {
    "A: port closed": CLOSED_PORT,
    "B: call unanswered": UNANSWERED,
    "C: accepted, closed without a byte": HUNG_UP,
    "D: accepted, acknowledged, silent": SILENT,
    "E: answered, session refused": TURNED_AWAY,
    "F: connected, then stalls or errors": STALLED,
}
THREADS: Family = {name: thread for family in FAMILIES.values() for name, thread in family.items()}
