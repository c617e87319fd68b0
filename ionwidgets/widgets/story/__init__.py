"""The two stages told with the paper's three experiments."""
