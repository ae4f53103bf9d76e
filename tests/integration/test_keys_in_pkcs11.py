"""Keys in a real PKCS#11 token (SoftHSM): they stay there, and the token's failures are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import KeyProviderError, SigningError
from biotrail.signing import Pkcs11Signer
from biotrail.signing.keys import ECDSA_P256, ED25519
from biotrail.vault import Pkcs11KeyProvider
from tests._components import ROOT, reason_for_absence
from tests._key_servers import PIN, softhsm

pytestmark = pytest.mark.component("softhsm")

if reason_for_absence("softhsm") is None:
    import pkcs11
    from pkcs11 import Attribute, KeyType

NAME = "example.com/door"


@pytest.fixture
def label() -> str:
    """A label that no key bears yet."""
    return os.urandom(8).hex()


def provider(key: str, *, token: str = "biotrail", **options: Any) -> Pkcs11KeyProvider:
    """A provider whose key is made where there is none."""
    return Pkcs11KeyProvider(softhsm(), token=token, pin=PIN, key=key, create=True, **options)


@contextmanager
def by_hand() -> Iterator[Any]:
    """A session in which keys can be made that biotrail would not make."""
    token = pkcs11.lib(str(softhsm())).get_token(token_label="biotrail")
    with token.open(rw=True, user_pin=PIN) as session:
        yield session


def test_the_key_never_leaves_the_token(label: str) -> None:
    """The key is sensitive and cannot be extracted, and the token says that it never could."""
    with provider(label) as made:
        assert f"object={label}" in made.key_id

        def attributes(session: Any) -> list[bool]:
            (key,) = session.get_objects({Attribute.LABEL: label})
            with pytest.raises(pkcs11.exceptions.AttributeSensitive):
                key[Attribute.VALUE]
            never = (Attribute.NEVER_EXTRACTABLE, Attribute.ALWAYS_SENSITIVE, Attribute.LOCAL)
            return [bool(key[one]) for one in never]

        assert made._token.run("look", attributes) == [True] * 3


@pytest.mark.parametrize("size", [128, 256])
def test_a_key_that_could_leave_is_refused(label: str, size: int) -> None:
    """A key that can be extracted, or is no AES-256 key, is not used."""
    leaving = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    template = leaving if size == 256 else {}
    with by_hand() as session:
        session.generate_key(
            KeyType.AES, size, id=b"id", label=label, store=True, template=template
        )
    with pytest.raises(KeyProviderError, match="cannot be extracted"):
        provider(label)


def test_two_keys_of_one_label_are_refused(label: str) -> None:
    """Which key is meant must be plain."""
    with provider(label) as made:
        made._token.make(
            "make a second key",
            lambda session: session.generate_key(
                KeyType.AES, 256, id=b"2", label=label, store=True
            ),
        )
        with pytest.raises(KeyProviderError, match="has 2 keys"):
            provider(label)


def test_earlier_keys_unwrap(label: str) -> None:
    """After a change to another key, what the one before wrapped opens while it is named."""
    with provider(label) as before:
        wrapped, key_id = before.wrap(bytes(32), b"c"), before.key_id
    with provider(f"{label}-2", earlier=[label]) as after:
        assert after.key_id != key_id
        assert after.unwrap(wrapped, b"c", key_id) == bytes(32)
    with provider(f"{label}-2") as after, pytest.raises(KeyProviderError, match="not held here"):
        after.unwrap(wrapped, b"c", key_id)


def test_long_names_are_refused(label: str) -> None:
    """A key id has at most 256 characters, so the label's length is bounded."""
    with pytest.raises(KeyProviderError, match="too long"):
        provider(label * 12)


def test_one_login_serves_all(label: str) -> None:
    """A vault and two signers share the token; closing one leaves the others at work."""
    with (
        Pkcs11Signer(NAME, softhsm(), token="biotrail", pin=PIN, key=label, create=ED25519) as one,
        Pkcs11Signer(NAME, softhsm(), token="biotrail", pin=PIN, key=label) as other,
        provider(label) as vault,
    ):
        assert one.verifier_key == other.verifier_key
        one.close()
        one.close()
        with pytest.raises(SigningError, match="closed"):
            one.sign(b"text")
        other.verifier_key.verify(b"text", other.sign(b"text"))
        assert vault.unwrap(vault.wrap(bytes(32), b""), b"", vault.key_id) == bytes(32)


def test_a_wrong_pin_is_refused(label: str) -> None:
    """A wrong PIN does not get in, not even by a login that is there already."""
    with pytest.raises(KeyProviderError, match="PinIncorrect"):
        Pkcs11KeyProvider(softhsm(), token="biotrail", pin="4321", key=label, create=True)
    with provider(label), pytest.raises(KeyProviderError, match="another PIN"):
        Pkcs11KeyProvider(softhsm(), token="biotrail", pin="4321", key=label)


def test_errors_do_not_tell_the_pin(label: str) -> None:
    """Neither a text form nor an error shows the PIN."""
    pin = "a secret PIN 123"
    with pytest.raises(KeyProviderError) as caught:
        Pkcs11KeyProvider(softhsm(), token="biotrail", pin=pin, key=label)
    assert pin not in str(caught.value)
    with provider(label) as made:
        assert PIN not in repr(made).replace(made.key_id, "") + repr(vars(made._token))


def alone(script: str) -> list[str]:
    """What a script prints in a process of its own, where a token may fail."""
    ran = subprocess.run(
        [sys.executable, "-c", _OPENED + script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


_OPENED = """
import os, shutil, subprocess, sys, time
from biotrail.errors import KeyProviderError
from biotrail.vault import Pkcs11KeyProvider
from tests._key_servers import softhsm, token_folder

def opened(token="biotrail", **options):
    return Pkcs11KeyProvider(
        softhsm(), token=token, pin="1234", key="kek", create=True, **options
    )

def told(call):
    begun = time.monotonic()
    try:
        print(call())
    except KeyProviderError as error:
        print(error, "in time" if time.monotonic() - begun < 10 else "too late")
"""

_PULLED_OUT = """
provider = opened("doomed")
wrapped = provider.wrap(bytes(32), b"")
shutil.rmtree(token_folder("doomed"))
told(lambda: opened("doomed", earlier=["another"]))
provider.close()
told(lambda: provider.unwrap(wrapped, b"", provider.key_id))
"""


def test_a_token_that_was_pulled_out_is_told() -> None:
    """When the token is gone, a named error comes, and closing is still possible."""
    refused, closed = alone(_PULLED_OUT)
    assert "PKCS#11 token doomed: failed to" in refused
    assert "is closed" in closed


_STUCK = """
HOLD = '''
import fcntl, pathlib, sys, time
held = [open(one, "r+b") for one in pathlib.Path(sys.argv[1]).iterdir() if one.is_file()]
for one in held:
    fcntl.lockf(one, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(100)
'''
provider = opened("stuck", timeout=0.5)
command = [sys.executable, "-c", HOLD, str(token_folder("stuck"))]
holding = subprocess.Popen(command, stdout=subprocess.PIPE)
holding.stdout.readline()
told(lambda: opened("stuck", timeout=0.5, earlier=["another"]))
told(lambda: provider.wrap(bytes(32), b""))
holding.kill()
holding.communicate()
for _ in range(200):
    try:
        print(provider.unwrap(provider.wrap(bytes(32), b""), b"", provider.key_id) == bytes(32))
        break
    except KeyProviderError:
        time.sleep(0.05)
provider.close()
"""


def test_a_token_that_hangs_is_told_in_time() -> None:
    """While the token does not answer, calls end with a named error after their time."""
    first, second, again = alone(_STUCK)
    for told in (first, second):
        assert "no answer within 0.5 s" in told
        assert told.endswith("in time")
    assert again == "True"


_FORK = """
provider = opened()
child = os.fork()
if child == 0:
    told(lambda: provider.wrap(bytes(32), b""))
    told(opened)
    provider.close()
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
print(provider.unwrap(provider.wrap(bytes(32), b""), b"", provider.key_id) == bytes(32))
provider.close()
"""


@pytest.mark.component("fork")
def test_a_forked_child_is_refused() -> None:
    """A child of a fork is told that it cannot use its parent's token; the parent goes on."""
    kept, opened, parent = alone(_FORK)
    assert "opened before a fork" in kept
    assert "loaded before a fork" in opened
    assert parent == "True"


@pytest.mark.parametrize(("algorithm", "size"), [(ED25519, 64), (ECDSA_P256, 70)])
def test_signatures_are_those_of_the_verifier_key(label: str, algorithm: int, size: int) -> None:
    """What the token signs, the verifier key accepts, for Ed25519 and for ECDSA over P-256."""
    with Pkcs11Signer(
        NAME, softhsm(), token="biotrail", pin=PIN, key=label, create=algorithm
    ) as signer:
        assert signer.verifier_key.algorithm == algorithm
        for message in (b"text", b"", bytes(5000)):
            signature = signer.sign(message)
            assert abs(len(signature) - size) <= 2
            signer.verifier_key.verify(message, signature)
        assert repr(signer) == f"Pkcs11Signer({signer.verifier_key})"


def test_a_signing_key_of_another_kind_is_refused(label: str) -> None:
    """A pair on another curve, and a private key that could leave the token, are not used."""
    from pkcs11.util.ec import encode_named_curve_parameters

    leaving = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    with by_hand() as session:
        for curve, name, template in (
            ("secp384r1", label, {Attribute.EXTRACTABLE: False}),
            ("secp256r1", f"{label}-2", leaving),
        ):
            parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
            domain = session.create_domain_parameters(KeyType.EC, parameters, local=True)
            domain.generate_keypair(id=b"1", label=name, store=True, private_template=template)
    for name, why in ((label, "P-256"), (f"{label}-2", "could leave")):
        with pytest.raises(SigningError, match=why):
            Pkcs11Signer(NAME, softhsm(), token="biotrail", pin=PIN, key=name)
    with pytest.raises(SigningError, match="Ed25519 or ECDSA"):
        Pkcs11Signer(NAME, softhsm(), token="biotrail", pin=PIN, key="absent", create=6)


def test_a_failing_token_signs_nothing(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature that is not the key's is not handed out."""
    with Pkcs11Signer(
        NAME, softhsm(), token="biotrail", pin=PIN, key=label, create=ED25519
    ) as signer:
        monkeypatch.setattr(signer, "_signed_by_eddsa", lambda message: bytes(64))
        with pytest.raises(SigningError, match="wrong signature"):
            signer.sign(b"text")


def test_a_log_is_signed_by_a_token(label: str, tmp_path: Path) -> None:
    """A log that a token signs verifies with the public half, over a rotation to ECDSA too."""
    from biotrail import Event, SQLiteStore, verify_log
    from biotrail.audit import open_log

    def signer(key: str, algorithm: int) -> Pkcs11Signer:
        return Pkcs11Signer(NAME, softhsm(), token="biotrail", pin=PIN, key=key, create=algorithm)

    with (
        signer(label, ED25519) as first,
        signer(f"{label}-next", ECDSA_P256) as second,
        open_log(
            tmp_path / "trail.db",
            origin=NAME,
            signer=first,
            next_key_digest=second.verifier_key.digest(),
        ) as log,
    ):
        log.record(Event(action="door.open", decision="granted"))
        log.rotate_key(second)
        log.record(Event(action="door.open", decision="denied"))
        key = first.verifier_key
    with closing(SQLiteStore(tmp_path / "trail.db")) as store:
        assert verify_log(store, key).events == 2
