"""The report for eyes and machines: terminal, JSON, Markdown. Each sees only the report; none of them prints."""
