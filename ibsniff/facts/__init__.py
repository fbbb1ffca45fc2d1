"""What is known about a connection, its server and related connections, as values and not as text for the user.

A fact is a value: a number, a time, a member of an enumeration, another conversation. There is no sentence here and no
blame; both belong to ``rules``. What concerns one conversation is a function of it. What needs all conversations of a
capture is an attribute of ``index.CaptureIndex``, which is made for one judgement and passed to every rule.
"""
