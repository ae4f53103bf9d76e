"""Where the attempts of one person, device or address lie in a log.

In a log with a vault the rows beside the sealed payloads say so, by references and keyed tags. What
is in the clear has no such rows: an index of it is kept in memory, made by one walk through the
log. Neither is trusted with what an attempt was: that is read from its entry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from biotrail.canonical import decode_entry, decode_payload, is_sealed
from biotrail.errors import BiotrailError
from biotrail.events import Event
from biotrail.limits import Scope

if TYPE_CHECKING:
    from biotrail.audit.prepare import Preparer
    from biotrail.stores import Store

__all__ = ["LimitRecords", "RecordedAttempt", "Whose"]

Whose = tuple[Scope, Hashable]
_AT_ONCE = 4_096
_DECODED_AT_ONCE = 256
_NETWORK_V6 = 8
_SIZE_V4 = 4
_NO_NETWORK = bytes(_NETWORK_V6)
_MAPPED = bytes(10) + b"\xff\xff"
_TAGS_OF_NETWORK_V6 = 12
_FIELDS = {Scope.DEVICE: "device_id", Scope.IP: "ip"}


class RecordedAttempt(NamedTuple):
    """An event as it stands in the log.

    Attributes:
        index: Its index.
        recorded: When it was recorded.
        content: Its content.
    """

    index: int  # type: ignore[assignment] # shadows tuple.index
    recorded: datetime
    content: Mapping[str, Any]


class LimitRecords:
    """Finds the events that concern somebody, or some device or address."""

    def __init__(
        self,
        store: Store,
        preparer: Preparer,
        scopes: Iterable[Scope],
        *,
        clear: frozenset[str] = frozenset(),
    ) -> None:
        """Find in one log.

        Args:
            store: The log.
            preparer: Knows references and tags.
            scopes: What is asked for.
            clear: Names of the fields that the vault's policy leaves in the entries.
        """
        self._store: Any = store
        self._preparer = preparer
        self._scopes = tuple(scopes)
        sealed = preparer.sealer is not None
        in_clear = [one for one in self._scopes if not sealed or _FIELDS.get(one) in clear]
        self._index = _ClearIndex(store, in_clear, in_entries=bool(clear))

    def whose(self, event: Event) -> list[Whose]:
        """Whose attempt an event is: by identity, since a person may have several references.

        Processes that meet somebody for the first time at once each draw a reference.
        """
        tenant, found = event.tenant or "", list[Whose]()
        for scope in self._scopes:
            if scope is not Scope.SUBJECT:
                place = self._place(scope, event)
            else:
                place = None if event.subject is None else (tenant, event.subject.id)
            if place is not None:
                found.append((scope, place))
        return found

    def attempts(self, whose: Whose, start: int, stop: int) -> Iterator[RecordedAttempt]:
        """The events of a range that concern somebody, newest first."""
        references = self._references(whose)
        indices = self._indices(whose, references, start, stop)
        for last in range(len(indices), 0, -_DECODED_AT_ONCE):
            some = indices[max(last - _DECODED_AT_ONCE, 0) : last]
            entries = self._entries(some)
            for index in reversed(some):
                found = _attempt(index, entries.get(index))
                if found is None:
                    continue
                if whose[0] is not Scope.SUBJECT or found.content.get("subject") in references:
                    yield found

    def _references(self, whose: Whose) -> Sequence[bytes]:
        """The references under which a person has records."""
        if whose[0] is not Scope.SUBJECT:
            return ()
        sealer = self._preparer.sealer
        known: Any = self._store if sealer is None else sealer.people
        references: list[bytes] = known.references(*whose[1])  # type: ignore[misc] # a pair
        return references

    def attempt_at(self, index: int) -> RecordedAttempt | None:
        """The event at an index; None where there is none."""
        return _attempt(index, self._entries([index]).get(index))

    def labels(self, attempt: RecordedAttempt) -> Mapping[str, Any]:
        """The labels of an event, opened where the vault's policy seals them."""
        found = attempt.content.get("labels")
        opener = self._preparer.opener
        if found is not None or opener is None:
            return found or {}
        payload = dict(self._store.payloads(attempt.index, attempt.index + 1)).get(attempt.index)
        if payload is None or not is_sealed(payload):
            return {}
        opened: Any = opener.open(attempt.index, attempt.content, payload).fields.get("labels")
        return opened or {}

    def _place(self, scope: Scope, event: Event) -> Hashable | None:
        tenant, context = event.tenant or "", event.context
        value = context.device_id if scope is Scope.DEVICE else context.ip
        if value is None:
            return None
        if scope in self._index.scopes:
            return tenant, value if isinstance(value, str) else _network(value.packed)
        assert self._preparer.sealer is not None
        tags = self._preparer.sealer.people.tags
        if isinstance(value, str):
            return (tags.device(tenant, value),)
        network = _network(value.packed)
        if len(network) == _NETWORK_V6:
            return (tags.address(tenant, value)[:_TAGS_OF_NETWORK_V6],)
        forms = [network] if len(network) > _SIZE_V4 else [network, _MAPPED + network]
        return tuple(tags.address(tenant, ip_address(one)) for one in forms)

    def _indices(
        self, whose: Whose, references: Sequence[bytes], start: int, stop: int
    ) -> Sequence[int]:
        scope, key = whose
        if scope is Scope.SUBJECT:
            clear = scope in self._index.scopes
            found: set[int] = set()
            for one in references:
                some = self._index.indices((scope, one), start, stop) if clear else None
                found.update(self._store.sealed_of(one, start, stop) if some is None else some)
            return sorted(found)
        if scope in self._index.scopes:
            return self._index.indices(whose, start, stop)
        by = self._store.sealed_by_device if scope is Scope.DEVICE else self._store.sealed_by_ip
        tags: Any = key
        return sorted({index for tag in tags for index in by(tag, start, stop)})

    def _entries(self, indices: Sequence[int]) -> dict[int, bytes]:
        if hasattr(self._store, "entries_at"):
            found: dict[int, bytes] = self._store.entries_at(indices)
            return found
        each = (one for index in indices for one in self._store.entries(index, index + 1))
        return {one.index: one.entry for one in each}


class _ClearIndex:
    """Where the events lie whose person, device or address is in the clear."""

    def __init__(self, store: Store, scopes: Sequence[Scope], *, in_entries: bool) -> None:
        self.scopes = frozenset(scopes)
        self._store = store
        self._in_entries = in_entries
        self._size = 0
        self._found: defaultdict[Whose, list[int]] = defaultdict(list)

    def indices(self, whose: Whose, start: int, stop: int) -> list[int]:
        while self._size < stop:
            upto = min(self._size + _AT_ONCE, stop)
            self._take(self._size, upto)
            self._size = upto
        return [index for index in self._found.get(whose, ()) if start <= index < stop]

    def _take(self, start: int, stop: int) -> None:
        places = self.scopes - {Scope.SUBJECT}
        shown = self._shown(start, stop) if places else {}
        for index, row in self._store.lookups(start, stop):
            if row.subject is not None and Scope.SUBJECT in self.scopes:
                self._found[Scope.SUBJECT, row.subject].append(index)
            for scope in places:
                value = shown.get(index, {}).get(_FIELDS[scope])
                if value is not None:
                    key = row.tenant or "", _network(value) if scope is Scope.IP else value
                    self._found[scope, key].append(index)

    def _shown(self, start: int, stop: int) -> dict[int, Mapping[str, Any]]:
        """What of device and address is in the clear: in the payload, or in the entry."""
        shown: dict[int, Mapping[str, Any]] = {
            index: decode_payload(payload).fields
            for index, payload in self._store.payloads(start, stop)
            if not is_sealed(payload)
        }
        for one in self._store.entries(start, stop) if self._in_entries else ():
            if (found := _attempt(one.index, one.entry)) is not None:
                shown[one.index] = {**found.content, **shown.get(one.index, {})}
        return shown


def _attempt(index: int, data: bytes | None) -> RecordedAttempt | None:
    if data is None:
        return None
    try:
        entry = decode_entry(data)
    except BiotrailError:
        return None  # altered in the store: whoever verifies the log finds it
    if entry.kind != "event" or entry.index != index:
        return None
    return RecordedAttempt(index, entry.recorded, entry.content)


def _network(packed: bytes) -> bytes:
    """An IPv4 address as it is; of an IPv6 address the network of 64 bits.

    A socket of both families shows an IPv4 address in IPv6 form (RFC 4291 section 2.5.5.2): it is
    counted as the IPv4 address that it is. Else all that have this form would be one network; so
    what else begins with 64 zeros, such as the loopback address, is counted by itself.
    """
    if packed.startswith(_MAPPED):
        return packed[len(_MAPPED) :]
    whole = len(packed) == _SIZE_V4 or packed.startswith(_NO_NETWORK)
    return packed if whole else packed[:_NETWORK_V6]
