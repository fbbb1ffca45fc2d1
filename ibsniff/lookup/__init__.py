"""``ibsniff explain``: codes, error numbers, words of the report, and what a program printed, with what can be behind it."""
