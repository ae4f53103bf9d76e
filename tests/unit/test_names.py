"""What `biotrail` itself exports can be had, and is loaded when it is first used."""

from __future__ import annotations

import json
import subprocess
import sys

import biotrail

_LATE = ("biotrail.vault.vault", "biotrail.audit.certificate", "biotrail.verify.verifier")


def test_every_name_is_there() -> None:
    """Each exported name can be used, those of the vault and of erasures among them."""
    assert all(getattr(biotrail, name) is not None for name in biotrail.__all__)
    assert {"Vault", "RetentionPolicy", "ErasureCertificate"} <= set(biotrail.__all__)


def test_names_are_loaded_late() -> None:
    """`import biotrail` loads neither the vault nor erasures nor the auditor."""
    code = f"import biotrail, json, sys; print(json.dumps([m in sys.modules for m in {_LATE}]))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [False] * len(_LATE)
