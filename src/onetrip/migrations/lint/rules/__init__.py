"""One rule per module: its `RULE` says what it finds, why that is dangerous, and how the same is done safely."""
