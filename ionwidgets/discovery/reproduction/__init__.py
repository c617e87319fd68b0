"""The paper's experiments, all of them: read experiments, folder, train, measure, reproduce."""

from ionwidgets.discovery.reproduction.reproduce import reproduce

__all__ = ["reproduce"]
