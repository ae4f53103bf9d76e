"""Personal fields under keys of your choosing: sealed for readers without them, over a rotation."""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.query import open_records
from biotrail.vault import PassphraseKeyProvider, Vault


def main() -> None:
    """Seal records under a key file, rotate its key, and read them with it and without it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        # One line is all that another holder of keys takes: a token, a keyring, AWS KMS, Transit.
        provider = PassphraseKeyProvider(
            Path(folder) / "vault.keys", passphrase="from your secret store", create=True
        )
        vault = Vault(provider)
        with biotrail.open(path, origin="example.com/lab", passphrase="key", vault=vault) as log:
            for name in ("anna", "bert"):
                log.record(biotrail.Event(action="door.open", decision="granted", subject=name))
                print(f"{name} is sealed under {provider.key_id[:24]}...")
                provider.rotate()
            key = log.verifier_key
        print(f"{biotrail.verify_log(path, key).events} records verified, without a vault's key")
        for reader, keys in (("with the keys", vault), ("without them", None)):
            with open_records(path, vault=keys) as records:
                found = [one for one in records.records() if one.kind == "event"]
                print(f"{reader}: {[sorted(one.personal) for one in found]}")
        vault.close()


if __name__ == "__main__":
    main()
