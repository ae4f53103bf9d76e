"""An auditor reads a log over HTTP, sees only its tenant, and leaves a trace of every question."""

# needs: web, http

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

import biotrail
from biotrail.web import TokenBook, create_app

API = "/api/v1"


def attempts(log: biotrail.AuditLogger) -> None:
    for person, tenant, decision in [
        ("anna", "north", "granted"),
        ("ben", "north", "denied"),
        ("carla", "south", "denied"),
    ]:
        reason = "match" if decision == "granted" else "non_match"
        event = biotrail.Event(
            action="door.open", subject=person, tenant=tenant, decision=decision, reason=reason
        )
        log.record(event)


async def audit(client: httpx.AsyncClient, key: str) -> None:
    async def ask(path: str, **options: Any) -> httpx.Response:
        method = "POST" if "json" in options else "GET"
        return await client.request(method, API + path, **options)

    facets = (await ask("/facets?where=attempt%20%3D%20yes&by=outcome")).json()["facets"]
    print("north:", {one["value"]: one["count"] for one in facets["outcome"]})

    page = (await ask("/records", params={"where": "outcome = failure and attempt = yes"})).json()
    (denied,) = page["records"]
    print(f"{denied['index']}: {denied['content']['action']} {denied['content']['decision']}")

    # The server need not be believed: the proof is checked here, under a key that is known.
    proof = await ask(f"/records/{denied['index']}/proof")
    assert biotrail.verify_proof(proof.content, key).index == denied["index"]

    # Of another tenant nothing is there; and what is personal needs a reason.
    assert (await ask("/records/3")).status_code == 404
    question = {"where": f"index = {denied['index']}", "reveal": ["subject"]}
    assert (await ask("/records/search", json=question)).status_code == 403
    question["reason"] = "complaint 4711"
    shown = (await ask("/records/search", json=question)).json()["records"][0]
    print("revealed:", shown["personal"]["subject"]["value"]["id"])


async def main() -> None:
    with biotrail.open(":memory:", origin="example.com/door") as log:
        attempts(log)
        book = TokenBook("tokens.json")
        text, _ = book.create(
            name="Dora, internal audit",
            scopes=["read", "reveal"],
            purposes=["review"],
            tenant="north",
            expires=datetime.now(UTC) + timedelta(days=1),
        )
        # In the process that records; `biotrail serve` is one of its own, over TLS 1.3.
        transport = httpx.ASGITransport(create_app(log, tokens=book))
        headers = {"authorization": f"Bearer {text}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="https://log.example.com", headers=headers
        ) as client:
            await audit(client, log.verifier_key)

        for found in log.search("action = log.read", sort="index"):
            assert found.event is not None
            print("asked:", found.event.attributes["query"])


if __name__ == "__main__":
    asyncio.run(main())
