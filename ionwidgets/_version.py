"""The version, alone in a file so that every room can name it."""

__version__ = "0.1.0"
