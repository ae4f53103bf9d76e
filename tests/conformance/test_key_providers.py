"""Every key provider of biotrail keeps the contract that third parties prove theirs with."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from biotrail.testing import KeyProviderContract
from biotrail.vault import (
    AwsKmsKeyProvider,
    KeyProvider,
    KeyringKeyProvider,
    MemoryKeyProvider,
    PassphraseKeyProvider,
    Pkcs11KeyProvider,
    VaultTransitKeyProvider,
)
from tests._key_servers import (
    PIN,
    REGION,
    ROOT_TOKEN,
    Server,
    ask,
    free_port,
    kms,
    silent_port,
    softhsm,
)


class TestMemory(KeyProviderContract):
    def open_provider(self, folder: Path) -> KeyProvider:
        """New keys each time."""
        return MemoryKeyProvider()


class TestPassphrase(KeyProviderContract):
    def open_provider(self, folder: Path) -> KeyProvider:
        """A file, cheap to open."""
        return PassphraseKeyProvider(
            folder / "vault.keys", passphrase="pass", create=True, memory=8192, passes=1, lanes=1
        )

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        """A file that is not there, and a folder in its place."""
        return (
            lambda: PassphraseKeyProvider(folder / "absent" / "keys", passphrase="pass"),
            lambda: PassphraseKeyProvider(folder, passphrase="pass"),
        )


@pytest.mark.component("secret_service")
class TestKeyring(KeyProviderContract):
    @pytest.fixture(autouse=True)
    def _real(self, unlocked_keyring: None) -> None:
        """GNOME Keyring, on a bus of its own."""

    def open_provider(self, folder: Path) -> KeyProvider:
        """Keys named by the folder."""
        return KeyringKeyProvider(str(folder), create=True)

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        """A bus that is not there."""

        def without_a_bus() -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={folder}/absent")
                KeyringKeyProvider(str(folder))

        return (without_a_bus, lambda: KeyringKeyProvider("no keys of this name"))


@pytest.mark.component("softhsm")
class TestPkcs11(KeyProviderContract):
    def open_provider(self, folder: Path) -> KeyProvider:
        """A key in SoftHSM, named by the folder."""
        return Pkcs11KeyProvider(
            softhsm(), token="biotrail", pin=PIN, key=folder.name[-32:], create=True
        )

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        """A library, a token, a PIN and a key that are not there."""
        library = softhsm()
        return (
            lambda: Pkcs11KeyProvider(folder / "no.so", token="biotrail", pin=PIN, key="k"),
            lambda: Pkcs11KeyProvider(library, token="absent", pin=PIN, key="k"),
            lambda: Pkcs11KeyProvider(library, token="biotrail", pin="wrong", key="k"),
            lambda: Pkcs11KeyProvider(library, token="biotrail", pin=PIN, key="absent"),
        )


@pytest.mark.component("moto")
class TestAwsKms(KeyProviderContract):
    @pytest.fixture(autouse=True)
    def _real(self, moto: Server) -> None:
        """AWS's API."""
        self.server, self.made = moto, dict[Path, str]()

    def open_provider(self, folder: Path) -> KeyProvider:
        """One key a folder."""
        if folder not in self.made:
            client = kms(self.server)
            self.made[folder] = client.create_key()["KeyMetadata"]["Arn"]
            client.close()
        return AwsKmsKeyProvider(
            self.made[folder], endpoint_url=self.server.address, ca_file=self.server.ca_file
        )

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        """Nobody listens; nobody answers; a stranger answers; the key is not known."""
        arn = f"arn:aws:kms:{REGION}:123456789012:key/{uuid4()}"

        def wrap(address: str, ca_file: Path | None = None) -> None:
            with AwsKmsKeyProvider(
                arn, endpoint_url=address, ca_file=ca_file, timeout=0.5
            ) as provider:
                provider.wrap(bytes(32), b"")

        def unanswered() -> None:
            with silent_port() as port:
                wrap(f"http://127.0.0.1:{port}")

        return (
            lambda: wrap(f"http://127.0.0.1:{free_port()}"),
            unanswered,
            lambda: wrap(self.server.address),
            lambda: wrap(self.server.address, self.server.ca_file),
        )


@pytest.mark.component("openbao")
class TestTransit(KeyProviderContract):
    @pytest.fixture(autouse=True)
    def _real(self, openbao: Server) -> None:
        """OpenBao's Transit engine."""
        self.server = openbao

    def open_provider(self, folder: Path) -> KeyProvider:
        """One key a folder."""
        key = folder.name[-60:]
        ask(self.server, f"/v1/transit/keys/{key}", method="POST", body={"type": "aes256-gcm96"})
        return self.opened(key)

    def opened(self, key: str, *, token: str = ROOT_TOKEN) -> KeyProvider:
        """A provider of a key."""
        tls = ssl.create_default_context(cafile=self.server.ca_file)
        return VaultTransitKeyProvider(self.server.address, key, token=token, tls=tls)

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        """Nobody listens; nobody answers; a stranger answers; the key or token is not known."""

        def opened(address: str) -> None:
            VaultTransitKeyProvider(address, "key", token=ROOT_TOKEN, timeout=0.5).close()

        def unanswered() -> None:
            with silent_port() as port:
                opened(f"http://127.0.0.1:{port}")

        return (
            lambda: opened(f"http://127.0.0.1:{free_port()}"),
            unanswered,
            lambda: opened(self.server.address),
            lambda: self.opened("absent"),
            lambda: self.opened("key", token=os.urandom(8).hex()),
        )
