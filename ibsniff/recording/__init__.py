"""Saving the packets of a live capture in pcapng files, and the evidence in the files that a ring deletes."""
