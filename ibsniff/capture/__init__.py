"""The outside: captures read from files and pipes, packets caught live, and pcapng written.

Nothing is imported here, so that reading a file costs nothing of what only live capture needs.
"""
