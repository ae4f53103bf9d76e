"""Faces: found by MediaPipe, brought into place, judged, and turned into features.

`biotrail.matchers` exports the public names.
"""
