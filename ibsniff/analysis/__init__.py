"""From frames to a report: the order of the rooms, for files, for live captures and for lists of streams."""
