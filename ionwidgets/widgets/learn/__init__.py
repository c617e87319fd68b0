"""Step 3: a network learns the model (stage 1)."""
