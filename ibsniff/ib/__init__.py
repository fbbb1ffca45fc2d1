"""The IB API's language: hello, reply, frames and messages, read from runs of bytes that know their packets."""
