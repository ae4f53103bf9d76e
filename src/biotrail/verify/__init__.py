"""The auditor. Knows public keys only; reads a store and says what it proves."""

from biotrail.verify.affected import AffectedEntries
from biotrail.verify.certificate import ProvenErasure, verify_certificate
from biotrail.verify.disclosure import ProvenFields, verify_disclosure
from biotrail.verify.proof_check import ProvenEntry, verify_proof
from biotrail.verify.prove import prove_entry
from biotrail.verify.report import Verification
from biotrail.verify.verifier import verify_log

__all__ = [
    "AffectedEntries",
    "ProvenEntry",
    "ProvenErasure",
    "ProvenFields",
    "Verification",
    "prove_entry",
    "verify_certificate",
    "verify_disclosure",
    "verify_log",
    "verify_proof",
]
