"""Step 2: the cell's answer to what is altered by hand."""
