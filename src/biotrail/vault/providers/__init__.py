"""Key providers: who keeps the key-encryption keys. Their names are at the door of the vault."""
