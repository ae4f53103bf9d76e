"""Benchmarks: each target beside its floor in one run; see docs/explanation/speed.md."""
