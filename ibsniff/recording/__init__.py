"""Keeping the packets of a live capture in pcapng files, and the evidence of those that a ring deletes."""
