"""Where vault, bytes and store meet: events are sealed on their way in, payloads opened again.

The vault knows keys and not what they seal; the store keeps bytes and no keys. Both the writer and
whoever reads need them joined in the same way, so the joint has a room of its own.
"""

from biotrail.sealing.keyring import Keyring
from biotrail.sealing.opener import Opened, Opener
from biotrail.sealing.people import People, Person, Proposed
from biotrail.sealing.sealer import Sealed, Sealer

__all__ = ["Keyring", "Opened", "Opener", "People", "Person", "Proposed", "Sealed", "Sealer"]
