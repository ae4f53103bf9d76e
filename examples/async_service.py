"""Many tasks record at once; one signature and one sync serve all that wait."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import biotrail


async def attempt(log: biotrail.AuditLogger, number: int) -> int:
    """One attempt of one person, recorded as a task."""
    async with log.attempt(
        action="door.open", target="lab", subject=f"person-{number % 7}", modality="iris"
    ) as one:
        await asyncio.sleep(0)  # the capture and the comparison
        if number % 3:
            one.grant()
        else:
            one.deny(biotrail.Reason.NON_MATCH)
    assert one.receipt is not None
    return one.receipt.checkpoint.size


async def main() -> None:
    """Two hundred attempts at once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        log = biotrail.open(path, origin="example.com/lab", passphrase="example")
        async with log:
            sizes = await asyncio.gather(*(attempt(log, number) for number in range(200)))
            key = log.verifier_key
        found = biotrail.verify_log(path, key)
        print(f"{found.events} attempts under {len(set(sizes))} checkpoints; the log verifies")


if __name__ == "__main__":
    asyncio.run(main())
