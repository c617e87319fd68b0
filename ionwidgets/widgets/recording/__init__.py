"""Step 2: recordings, and how they are read."""
