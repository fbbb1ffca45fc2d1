"""Input and output of packets: captures read from files and pipes, live capture, and writing pcapng.

This module imports nothing, so that reading a file does not pay for the imports of live capture.
"""
