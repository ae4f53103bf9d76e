"""biotrail: every biometric access attempt becomes evidence that a stranger can check."""
