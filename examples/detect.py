"""Somebody tries the same trick on one person after another; the log notices, and says so."""

from datetime import timedelta

import biotrail
from biotrail.detection import Detection, Detector, ManySubjects, ScoreClimbing


def tell(detection: Detection) -> None:
    found = detection.finding
    print(f"{found.severity}: {found.reason} (records {found.indices[0]} to {found.indices[-1]})")


def main() -> None:
    rules = [ManySubjects(people=5, window=timedelta(minutes=10)), ScoreClimbing()]
    with biotrail.open("door.db", origin="example.com/door", passphrase="a long secret") as log:
        for number in range(7):
            log.record(
                biotrail.Event(
                    action="door.open",
                    decision="denied",
                    reason="non_match",
                    subject=f"person-{number}",
                    context=biotrail.Context(ip="192.0.2.7"),
                )
            )
        for _ in range(2):  # the second run finds nothing new
            with Detector(log, rules, state="door.detect", callbacks=[tell]) as detector:
                print(f"{len(detector.run_once())} found")

        for record in log.search('action starts with "detection."'):
            print(f"entry {record.index}: {record.entry.content['labels']}")


if __name__ == "__main__":
    main()
