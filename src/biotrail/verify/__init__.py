"""The auditor. Knows public keys only; reads a store and says what it proves."""

from biotrail.verify.report import Verification
from biotrail.verify.verifier import verify_log

__all__ = ["Verification", "verify_log"]
