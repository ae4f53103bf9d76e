"""One record as the page shows it: section by section, with what is sealed, erased or missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from biotrail.canonical import PERSONAL_FIELDS
from biotrail.web.page.words import Row, label, moment, rows, visible
from biotrail.web.shapes import Shown

__all__ = ["PersonalPart", "RecordView", "Section", "SummaryRow", "summary", "view_of"]

_OWNERS = {"subject": "Subject", "actor": "Actor", "nobody": "No person known"}
_STATES = {
    "sealed": "Sealed",
    "erased": "Erased",
    "missing": "Missing, and no entry says why",
    "none": "Not recorded",
}
_HOW = {
    "erased": "Erased on request",
    "retained": "Destroyed when its time was over",
    "being erased": "Erasure has begun",
}
_APART = ("comparison", "context", "labels", "provenance", "payload")
_FIRST = ("action", "target", "modality", "factors", "outcome", "decision", "reason", "occurred")


@attrs.frozen
class Section:
    """Some rows under a heading."""

    title: str
    rows: tuple[Row, ...]


@attrs.frozen
class PersonalPart:
    """What became of the personal fields of one person, or of one such field.

    Attributes:
        label: Whose, or which.
        state: ``"sealed"``, ``"erased"``, ``"missing"``, ``"none"`` or ``"shown"``.
        says: The state in words, or the value.
        values: The value's parts, where it has some.
        entry: Index of the entry that says so.
    """

    label: str
    state: str
    says: str
    values: tuple[Row, ...] = ()
    entry: int | None = None


@attrs.frozen
class RecordView:
    """A record in full."""

    index: int
    kind: str
    recorded: str
    leaf_hash: str
    prev: str
    title: str
    outcome: str | None
    decision: str | None
    sections: tuple[Section, ...]
    parts: tuple[PersonalPart, ...]
    personal: tuple[PersonalPart, ...]
    may_reveal: tuple[tuple[str, str], ...]
    raw: str
    size: int


@attrs.frozen
class SummaryRow:
    """A record on one line of a table."""

    index: int
    kind: str
    recorded: str
    title: str
    target: str
    modality: str
    matcher: str
    outcome: str | None
    decision: str
    reason: str
    states: tuple[str, ...]
    personal: tuple[PersonalPart, ...]


def view_of(shown: Shown) -> RecordView:
    """A record in full, with the personal fields that its reader may see."""
    document = shown.document()
    content = document["content"]
    is_event = shown.kind == "event"
    parts = tuple(_part(owner, told) for owner, told in document["payload"].items())
    openable = any(one.state == "sealed" for one in parts)
    data = shown.found.record.data
    return RecordView(
        index=shown.index,
        kind=shown.kind,
        recorded=document["recorded"],
        leaf_hash=document["leaf_hash"].hex(),
        prev=document["prev"].hex(),
        title=visible(content["action"]) if is_event else shown.kind,
        outcome=content["outcome"] if is_event else None,
        decision=content["decision"] if is_event else None,
        sections=tuple(_sections(content, is_event)),
        parts=parts,
        personal=_fields(document["personal"], content),
        may_reveal=tuple((one, label(one)) for one in PERSONAL_FIELDS) if openable else (),
        raw=data.hex(),
        size=len(data),
    )


def summary(shown: Shown) -> SummaryRow:
    """A record on one line."""
    content = shown.content
    is_event = shown.kind == "event"
    comparison: Mapping[str, Any] = content.get("comparison", {}) if is_event else {}
    told = shown.payload()
    return SummaryRow(
        index=shown.index,
        kind=shown.kind,
        recorded=shown.document()["recorded"],
        title=visible(content["action"]) if is_event else shown.kind,
        target=visible(content.get("target", "")) if is_event else _gist(shown.kind, content),
        modality=visible(content["modality"]) if is_event else "",
        matcher=visible(comparison.get("matcher", "")),
        outcome=content["outcome"] if is_event else None,
        decision=content["decision"] if is_event else "",
        reason=visible(content["reason"]) if is_event else "",
        states=tuple(dict.fromkeys(one["state"] for one in told.values())),
        personal=_fields(shown.personal(), content),
    )


def _gist(kind: str, content: Mapping[str, Any]) -> str:
    """What an entry that is no event is about, in a word or two."""
    if kind == "log_read":
        return visible(f"{content['rows']:,} rows, {content['purpose']}")
    for name in ("setting", "reason", "software", "origin"):
        if isinstance(content.get(name), str):
            return visible(content[name])
    return ""


def _sections(content: Mapping[str, Any], is_event: bool) -> list[Section]:
    if not is_event:
        return [Section("Content", tuple(rows(content, {})))]
    provenance = content.get("provenance", {})
    own = {name: value for name, value in content.items() if name not in _APART}
    ordered = {name: own.pop(name) for name in _FIRST if name in own} | own
    if "occurred" in ordered:
        ordered["occurred"] = f"{moment(ordered['occurred'])} UTC"
    found = [Section("Event", tuple(rows(ordered, provenance)))]
    for name in ("comparison", "context", "labels"):
        if name in content:
            within = "labels." if name == "labels" else ""
            title = name.capitalize()
            found.append(Section(title, tuple(rows(content[name], provenance, within))))
    return found


def _part(owner: str, told: Mapping[str, Any]) -> PersonalPart:
    state = told["state"]
    says = _STATES[state]
    if state == "erased":
        words = [_HOW.get(told["how"], "Erased")]
        if "recorded" in told:
            words.append(f"{moment(told['recorded'])} UTC")
        words += [visible(told[name]) for name in ("reason", "legal_basis") if name in told]
        says = "; ".join(words)
    return PersonalPart(_OWNERS.get(owner, owner), state, says, entry=told.get("index"))


def _fields(personal: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[PersonalPart, ...]:
    provenance = content.get("provenance", {})
    return tuple(_field(name, told, provenance) for name, told in personal.items())


def _field(name: str, told: Mapping[str, Any], provenance: Mapping[str, str]) -> PersonalPart:
    state = told["state"]
    if state != "shown":
        return PersonalPart(label(name), state, visible(told.get("reason", _STATES[state])))
    values = tuple(rows({name: told["value"]}, provenance))
    says = ", ".join(one.value for one in values)
    return PersonalPart(label(name), state, says, values)
