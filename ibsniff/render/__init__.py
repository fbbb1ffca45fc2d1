"""The report for eyes and machines: screen, JSON, Markdown, HTML. Each sees only the report; none of them prints.

| module | what it makes of a report |
|---|---|
| `report_view.py` | which problems, conversations and notes every form shows, in what order, and the words they share |
| `headline.py` | the first line, and who must act |
| `proof.py`, `cited_packets.py` | the packets that prove a problem, as rows; which of many are shown |
| `participants.py`, `participant_rows.py` | who is who: values, and a row for each |
| `server_messages.py`, `server_clock.py` | what TWS said, and by which clock |
| `story.py`, `machine_reports.py` | what happened when; what the capturing machine reports |
| `terminal.py`, `problem_screen.py`, `sections.py`, `ladder_view.py` | the report on a console |
| `markdown.py`, `document.py` | the report as Markdown, and as JSON |
| `html.py`, `html_page.py`, `html_parts.py`, `html_diagram.py` | the report as an HTML page |
| `several.py`, `overview.py` | the reports on several captures; a line for each of many |
| `diagram.py`, `diagram_rows.py`, `diagram_packets.py`, `diagram_bulk.py` | the sequence diagram of a conversation as values |
| `flow.py`; `sequence_svg.py`, `svg_shapes.py` | the same on a console; as SVG |
| `connection_table.py`, `table_columns.py`, `live_rows.py` | a live capture on a screen |
| `streams.py`, `transcript.py`, `requests.py`, `request_counts.py` | what `ibsniff streams` and `ibsniff requests` print |
| `text.py`, `screen.py`, `code_spans.py`, `shortening.py`, `grouping.py`, `ladder.py` | what several of them need |
"""
