"""Step 1: which cell."""
