"""The gating neural network, in reading order: scan, layer, network, learn (stage 1), retrain (stage 2)."""

from ionwidgets.gnn.descent import Stage1
from ionwidgets.gnn.layer import GatingLayer
from ionwidgets.gnn.learn import learn, shipped_network
from ionwidgets.gnn.network import GatingNetwork, Network
from ionwidgets.gnn.scan import gating_scan

__all__ = ["GatingLayer", "GatingNetwork", "Network", "Stage1", "gating_scan", "learn", "shipped_network"]
