"""``python -m ibsniff`` is ``ibsniff``."""

from ibsniff.cli import main

main()
