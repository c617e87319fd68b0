"""Both stages as Iravanian (arXiv 2011.07388) publishes them; read settings, data, updates, stages."""

from ionwidgets.gnn.paper.settings import Paper
from ionwidgets.gnn.paper.stages import Stage2Run, learn_as_published, retrain_as_published

__all__ = ["Paper", "Stage2Run", "learn_as_published", "retrain_as_published"]
