"""A screen shows each denied entry at a door as it is recorded, each one proven."""

import threading

import biotrail


def at_the_door(log: biotrail.AuditLogger) -> None:
    for person, decision in [("anna", "granted"), ("ben", "denied"), ("carla", "denied")]:
        reason = "match" if decision == "granted" else "non_match"
        log.record(
            biotrail.Event(action="door.open", subject=person, decision=decision, reason=reason)
        )


def main() -> None:
    with (
        biotrail.open(":memory:", origin="example.com/door") as log,
        # From now on; the iteration ends after two seconds without a denial.
        log.follow(where="outcome = failure", timeout=2) as follower,
    ):
        door = threading.Thread(target=at_the_door, args=(log,))
        door.start()
        seen = []
        for found in follower:
            assert found.event is not None
            print(f"{found.index}: {found.event.action}: {found.event.decision}")
            seen.append(found.index)
            if len(seen) == 2:
                break
        door.join()
        # Another screen goes on where this one stopped, or begins anywhere before.
        with log.follow(start=seen[0], timeout=0.2) as again:
            assert [found.index for found in again] == seen


if __name__ == "__main__":
    main()
