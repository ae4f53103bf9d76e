"""Forward a log to a file that a SIEM's agent reads, as OCSF; go on where it stopped."""

import json
from pathlib import Path

import biotrail
from biotrail.forwarding import FileSink, Forwarder


def main() -> None:
    with biotrail.open("door.db", origin="example.com/door", passphrase="a long secret") as log:
        for person, decision in (("ada", "granted"), ("eve", "denied")):
            log.record(biotrail.Event(action="door.open", decision=decision, subject=person))

    for _ in range(2):  # the second run finds nothing left to do
        with Forwarder("door.db", FileSink("siem.jsonl"), position="siem.position") as forwarder:
            done = forwarder.run_once()
            print(f"{done.delivered} delivered, {forwarder.lag.records} behind")

    last = json.loads(Path("siem.jsonl").read_text().splitlines()[-1])
    proof = last["unmapped"]["biotrail"]
    print(f"{last['class_name']} {last['status']}: {last['user']['uid']}")
    print(f"its proof: entry {proof['index']} under the checkpoint of {proof['checkpoint_size']}")


if __name__ == "__main__":
    main()
