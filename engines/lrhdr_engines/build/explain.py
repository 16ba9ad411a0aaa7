"""TensorRT's errors, joined into one of ours that says what to do."""

from __future__ import annotations

from collections.abc import Sequence

from lrhdr.errors import BackendError

_SHOWN = 4  # first errors; what follows is mostly their echo
_LENGTH = 300

_MEMORY = (
    "This usually means that memory ran out: raise --workspace-mb, close other programs on the "
    "GPU, or choose a smaller --size"
)
_AGAIN = "Build the plugin again: lrhdr-export plugin"
# What an error says (in lower case) -> what helps. The first that is found counts.
_REMEDIES = (
    ("could not find any implementation", _MEMORY),
    ("no tactics to implement", _MEMORY),
    ("out of memory", _MEMORY),
    ("workspace", _MEMORY),
    ("no importer registered", _AGAIN),
    ("plugin not found", _AGAIN),
    ("cannot open shared object", _AGAIN),
    ("undefined symbol", _AGAIN),
    ("cuda initialization failure", "Update the NVIDIA driver, and run: nvidia-smi"),
)
_UNKNOWN = "Please report it with the model's name, the size and this line"


def build_error(received: str, messages: Sequence[str]) -> BackendError:
    """One error of all messages, without repetitions, with the remedy of the first known one."""
    lines = list(dict.fromkeys(" ".join(message.split())[:_LENGTH] for message in messages))
    said = " ".join(lines).lower()
    remedy = next((help_ for sign, help_ in _REMEDIES if sign in said), _UNKNOWN)
    shown = " / ".join(lines[:_SHOWN]) or "it gave no reason"
    more = f" / and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return BackendError(f"{received}: {shown}{more}", next_step=remedy)
