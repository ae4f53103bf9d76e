"""Exact search: a scan over small codes with a proven bound, then exact scores for what is left.

`scan` holds the search itself, `bound` the inequality that it rests on, `kernels` what multiplies.
The proof is in docs/explanation/exact-search.md.
"""
