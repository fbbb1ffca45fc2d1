"""``python -m ibsniff`` is ``ibsniff``."""

from ibsniff.cli import main

if __name__ == "__main__":  # a process started to help imports this under another name
    main()
