"""Galleries: many references of one model, searched at once (1:N identification)."""

from biotrail.matchers.gallery._expiring import Gallery
from biotrail.matchers.gallery.candidates import Candidate, Identification

__all__ = ["Candidate", "Gallery", "Identification"]
