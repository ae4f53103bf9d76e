"""Benchmarks: each target side by side with its floor in one run. See ``docs/explanation/speed.md``."""
