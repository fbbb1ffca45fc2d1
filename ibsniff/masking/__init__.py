"""Account numbers in text that somebody else wrote: found however they are spelled, and masked in place.

| module | what it does |
|---|---|
| `spelling.py` | a text in plain ASCII, so that one pattern finds an account in every script, width and encoding |
| `escapes.py` | the same text with the escapes of URLs, JSON, HTML and terminals read |
| `account_forms.py` | the forms of account numbers |
| `lookalikes.py` | what only looks like one |
| `masker.py` | the text with its accounts masked: for a report, for a sentence, for a stream of bytes |

Masking is for quoted text (`model.WireText`, `model.WireBytes`) and never for our own sentences.
"""
