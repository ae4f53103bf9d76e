"""Records on their way to other systems."""
