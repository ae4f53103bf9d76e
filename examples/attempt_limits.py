"""Somebody guesses at a face: after five failures the door stays shut, until the desk opens it."""

import biotrail


def guess(log: biotrail.AuditLogger, *, matches: bool) -> biotrail.Attempt:
    with log.attempt(action="door.open", subject="anna", modality="face") as attempt:
        if attempt.check_limits() is not None:
            return attempt  # denied already: nothing is compared
        if matches:
            attempt.grant()
        else:
            attempt.deny(biotrail.Reason.NON_MATCH)
    return attempt


def main() -> None:
    limits = biotrail.NIST_SP_800_63B_4
    with biotrail.open(":memory:", origin="example.com/door", limits=limits) as log:
        for _ in range(5):
            guess(log, matches=False)
        attempt = guess(log, matches=True)
        assert not attempt.granted
        assert attempt.locked is not None
        print(f"locked after {attempt.locked.failures} failures until {attempt.locked.until}")
        log.unlock(subject="anna", reason="host.identity_confirmed", by="desk-2")
        print("after the desk unlocked:", guess(log, matches=True).granted)


if __name__ == "__main__":
    main()
