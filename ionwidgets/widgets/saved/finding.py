"""The network and the finding of a session file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ionwidgets.widgets.learn.shipped import is_shipped
from ionwidgets.widgets.saved.archive import Archive
from ionwidgets.widgets.saved.recording import Brought

if TYPE_CHECKING:
    from ionwidgets.models import IonicModel

LARGEST_NETWORK: Final = 2**26  # bytes
LARGEST_RESULT: Final = 2**28
NETWORK: Final = "network.safetensors"
RESULT: Final = "result.safetensors"


def network_of(network: Any, model: IonicModel, folder: Path, members: dict[str, Path]) -> str | None:
    """The member of a network that the user trained; None for one that comes with the package."""
    if network is None or is_shipped(network, model):
        return None
    network.save(folder / NETWORK)
    members[NETWORK] = folder / NETWORK
    return NETWORK


def read_network(archive: Archive, name: Any, model: IonicModel, folder: Path) -> Any:
    """The network back, which has learnt the model or, under other conditions, its like."""
    if name is None:
        return None
    from ionwidgets.gnn import Network  # brings torch

    path = folder / NETWORK
    archive.unpack(NETWORK, path, LARGEST_NETWORK)
    network = Network.load(path)
    if tuple(network.gate_names) != tuple(model.gate_names):
        archive.fail("its network has learnt another model")
    return network


def result_of(result: Any, folder: Path, members: dict[str, Path]) -> str | None:
    """The member that holds the finding."""
    if result is None:
        return None
    result.save(folder / RESULT)
    members[RESULT] = folder / RESULT
    return RESULT


def read_result(
    archive: Archive, name: Any, model: IonicModel, recording: Brought | None, folder: Path
) -> Any:
    """The finding back; one that could not be shown is refused here, before anything is replaced by it."""
    if name is None or recording is None:
        return None
    from ionwidgets.discovery.comparison import compared
    from ionwidgets.discovery.result_file import load_result
    from ionwidgets.discovery.sentences import headline

    path = folder / RESULT
    archive.unpack(RESULT, path, LARGEST_RESULT)
    result = load_result(path, recording.dataset, model)
    headline(result.finding)
    compared(result)
    for shown in (result.findings, result.gates(), result.currents(), result.to_json()):
        if len(shown) == 0:
            archive.fail("an empty finding")
    return result
