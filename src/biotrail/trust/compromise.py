"""Reports of stolen keys: which keys they end, and whose entries they make doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from biotrail.signing import VerifierKey
from biotrail.trust.admission import Admission

__all__ = ["Disbelief", "Report", "disbelieved", "tainted"]


@attrs.define
class Report:
    """An entry that reports a key as compromised.

    Attributes:
        index: Index of the entry.
        key: The key that was stolen.
        since: Index of the first entry that is not to be believed.
        signer: The key that signed the first checkpoint that covers the report; None until then.
    """

    index: int
    key: VerifierKey
    since: int
    signer: VerifierKey | None = None


@attrs.frozen
class Disbelief:
    """From where on a key is not believed, and why.

    Attributes:
        since: Index of the first entry that is not believed, if the key signed for it.
        report: Index of the entry that reports the theft.
    """

    since: int
    report: int


def tainted(admissions: Iterable[Admission], report: Report) -> Mapping[VerifierKey, int]:
    """The keys that a report takes the trust from, and since which index.

    These are the stolen key, and every key that it let in since, or that one of those let in. A
    pre-committed key is not among them: a thief cannot have chosen it.

    Args:
        admissions: Every key of the log, in the order in which they were added.
        report: The report.
    """
    found = {report.key: report.since}
    for one in admissions:
        let_in = one.signer is not None and found.get(one.signer, one.added + 1) <= one.added
        if let_in and not one.precommitted:
            found.setdefault(one.key, one.added)
    return found


def disbelieved(
    admissions: Sequence[Admission], reports: Sequence[Report]
) -> Mapping[VerifierKey, Disbelief]:
    """The keys that reports take the trust from, and since when.

    The last report is looked at first: one before it that was signed by a key which was stolen by
    then is a thief's, and counts for nothing.
    """
    found: dict[VerifierKey, Disbelief] = {}
    for report in reversed(reports):
        if report.signer is None or _is_thiefs(found, report):
            continue
        for key, since in tainted(admissions, report).items():
            known = found.get(key)
            if known is None or since < known.since:
                found[key] = Disbelief(since, report.index)
    return found


def _is_thiefs(found: Mapping[VerifierKey, Disbelief], report: Report) -> bool:
    known = None if report.signer is None else found.get(report.signer)
    return known is not None and known.since <= report.index
