"""The paper's experiments, every run of them: looked at, and made again."""
