"""Real servers for the holders of keys."""

from __future__ import annotations

from tests._key_servers import moto, openbao, unlocked_keyring

__all__ = ["moto", "openbao", "unlocked_keyring"]
