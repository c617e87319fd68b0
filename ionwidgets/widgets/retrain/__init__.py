"""Step 4: the network is retrained on the recording (stage 2)."""
