"""One file a threat: what an attacker does to the store, and the verdict on it."""
