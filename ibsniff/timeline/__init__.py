"""What happened in a conversation, packet by packet, in words: for the rules that cite packets, and for the renderers.

| module | the packets it names |
|---|---|
| `event.py` | (the type) |
| `openings.py` | ARP, SYN, SYN-ACK, their repetitions, refusals, ICMP |
| `dialogues.py` | hello, reply, START_API, errors, messages, what could not be read |
| `asked.py` | requests and orders: asked, answered, rejected |
| `delivery.py` | closed windows, bytes sent again, gaps, the first and last packets |
| `endings.py` | FIN and RST |
| `events.py` | all of them in packet order, one event for each packet |
"""
