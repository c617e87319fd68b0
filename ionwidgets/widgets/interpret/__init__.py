"""Step 5: what was found."""
