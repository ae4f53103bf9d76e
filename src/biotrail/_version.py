"""The version of the library, for who must not import the root."""

__version__ = "0.1.0"
