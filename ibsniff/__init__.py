"""ibsniff reads the packets between a trading program and TWS or IB Gateway, and says whose turn it is."""

__version__ = "0.1.0"
