"""From a record and names of fields to what a proof file carries: a disclosure of just these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from biotrail.canonical import Entry, decode_entry
from biotrail.canonical.disclosure import Disclosed, disclose, disclosed_root
from biotrail.canonical.disclosure_codec import encode_disclosure
from biotrail.canonical.owners import owners_of
from biotrail.canonical.proof_entry import encode_proof_entry
from biotrail.errors import (
    BiotrailError,
    ErasedError,
    MalformedError,
    MissingError,
    NoSuchFieldError,
    SealedError,
)
from biotrail.sealing.destroyed import told_destroyed
from biotrail.sealing.opener import Opened, Opener
from biotrail.stores import StoreReader

__all__ = ["proof_extra"]

_NESTED = ("comparison", "context")
_REFERENCES = ("payload", "subject", "actor")  # what they refer to is not in the entry
_MICRO = "_micro"  # how a real number is written: ``score`` is ``score_micro``, in millionths


def proof_extra(
    store: StoreReader, opener: Opener, index: int, entry: bytes, fields: Collection[str]
) -> bytes:
    """What a proof file of an entry carries so that it shows some fields.

    Args:
        store: Where the payload lies.
        opener: Opens it.
        index: Index of the entry.
        entry: The entry's bytes.
        fields: Names of the fields to show. Those that are in the entry are shown in any case;
            where no other is named, the file is a plain proof file.

    Raises:
        NoSuchFieldError: The record has no such field.
        SealedError: It is sealed, and the opener does not hold its key.
        ErasedError: It was destroyed.
        MissingError: The payload is gone.
        AlteredError: The payload is not the one that the entry commits to.
        MalformedError: The entry cannot be read, or the payload is not in its one form.
        KeyProviderError: The key provider is out of reach, or refuses.
    """
    if isinstance(fields, str):
        raise TypeError("name the fields in a list, even if there is only one")
    if not fields:
        return encode_proof_entry(entry)
    decoded = decode_entry(entry)
    if decoded.index != index:
        raise MalformedError(f"the entry at {index} says that it is {decoded.index}", index=index)
    content: Mapping[str, Any] = decoded.content if decoded.kind == "event" else {}
    opened = _opened(store, opener, index, content)
    named = _personal(store, decoded, content, opened, fields)
    if opened is None or not named:
        return encode_proof_entry(entry)
    parts = disclose(content["id"], named, opened.payloads, opened.parts)
    if disclosed_root(content["id"], parts) != content["payload"]:
        raise MalformedError(
            f"the payload of entry {index} is not in its one form: nothing is shown", index=index
        )
    return encode_disclosure(Disclosed(entry, parts))


def _opened(
    store: StoreReader, opener: Opener, index: int, content: Mapping[str, Any]
) -> Opened | None:
    if content.get("payload") is None:
        return None
    for _, data in store.payloads(index, index + 1):
        return opener.open(index, content, data)
    return None


def _personal(
    store: StoreReader,
    entry: Entry,
    content: Mapping[str, Any],
    opened: Opened | None,
    fields: Collection[str],
) -> Sequence[str]:
    """Those of the names that are fields of the payload; the others must be in the entry."""
    personal: Mapping[str, Any] = {} if opened is None else opened.fields
    clear = {name for name in content if name not in _REFERENCES}.union(
        *(content.get(place, {}) for place in _NESTED)
    )
    found = {}
    for name in fields:
        written = name if name in personal or name in clear else f"{name}{_MICRO}"
        if written not in personal and written not in clear:
            raise _why_not(store, entry, name, opened, clear)
        found[written] = written in personal
    return [name for name, is_personal in found.items() if is_personal]


def _why_not(
    store: StoreReader, entry: Entry, name: str, opened: Opened | None, clear: Collection[str]
) -> BiotrailError:
    index = entry.index
    content: Any = entry.content
    owners = owners_of(content.get("subject"), content.get("actor"))
    what = f"entry {index} shows no field {name!r}"
    if content.get("payload") is not None and opened is None:
        return _why_gone(what, store, entry, owners) or MissingError(
            f"{what}: its payload is gone, and no entry says why; verify the log", index=index
        )
    if opened is not None and opened.sealed:
        return SealedError(f"{what}: what is sealed takes the vault that opens it, not given here")
    if opened is not None and opened.erased:
        erased = {one: owners.get(one) for one in opened.erased}
        return _why_gone(what, store, entry, erased) or ErasedError(
            f"{what}: personal fields of it are gone, perhaps this one too, and no entry says why"
        )
    known = sorted(clear if opened is None else {*clear, *opened.fields})
    return NoSuchFieldError(f"{what}: there are {', '.join(known)}")


def _why_gone(
    what: str, store: Any, entry: Entry, owners: Mapping[int, bytes | None]
) -> ErasedError | None:
    """What the log says of parts that are gone; a fence says it before an entry does."""
    references = {one for one in owners.values() if one is not None}
    told = told_destroyed(store, entry, references)
    if told is not None:
        reason: Any = told.content.get("reason", "a retention")
        return ErasedError(
            f"{what}: personal fields of it were destroyed, as entry {told.index} says ({reason})",
            index=told.index,
        )
    if hasattr(store, "fences") and any(
        one in references for fence in store.fences() for one in fence.references
    ):
        return ErasedError(f"{what}: personal fields of it are being erased")
    return None
