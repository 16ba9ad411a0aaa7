"""HDRFlow (github.com/OpenImagingLab/HDRFlow, MIT), run from the user's own clone of it.

Nothing of it is part of this package. Windows are fed as its test_2E.py and test_3E.py do:
padded evenly by replication to multiples of 16, in test mode. The result is the network's own;
the exposure-masked protocol, which those scripts apply next, is left to the measurement.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrhdr.contract import WINDOWS
from lrhdr.errors import InputError

if TYPE_CHECKING:
    from torch import nn

Picture = NDArray[np.float32]  # (H, W, 3)

_MULTIPLE = 16
_PACKAGE = "_hdrflow_models"  # while the clone's modules load; `models` would be anyone's name
_REPOSITORY = "https://github.com/OpenImagingLab/HDRFlow"


class HdrFlow:
    """One of HDRFlow's two networks with its weights, on the GPU where torch finds one."""

    def __init__(self, clone: Path, checkpoint: Path | None, exposures: int) -> None:
        """Load the network.

        Args:
            clone: folder of the repository.
            checkpoint: `checkpoint.pth`, as it trains and publishes them; None leaves the weights
                as the network draws them.
            exposures: 2 or 3, which must be the checkpoint's.

        Raises:
            InputError: the clone, its model file, the checkpoint or torch is missing, or
                they do not fit together.
        """
        source = clone / "models" / f"model_{exposures}E.py"
        if not source.is_file():
            raise InputError(
                f"{source} does not exist",
                expected="a clone of HDRFlow",
                next_step=f"Run: git clone {_REPOSITORY}",
            )
        if checkpoint is not None and not checkpoint.is_file():
            raise InputError(
                f"{checkpoint} does not exist",
                expected="a checkpoint of HDRFlow",
                next_step=f"Its clone has {own_checkpoint(clone, exposures)}",
            )
        self._torch = _import_torch()
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        self._frames = WINDOWS[exposures].frames
        network: nn.Module = _load_class(source)()
        if checkpoint is not None:
            try:
                network.load_state_dict(_state(self._torch, checkpoint))
            except (RuntimeError, UnpicklingError, EOFError, TypeError) as error:
                raise InputError(
                    f"{checkpoint} does not load into {source} ({_first_line(error)})",
                    expected=f"HDRFlow's checkpoint for {exposures} exposures",
                ) from None
        self._network = network.eval().to(self._device)

    def reconstruct(self, frames: Sequence[Picture], exposures: Sequence[float]) -> Picture:
        """The window's HDR frame, as the network gives it.

        Args:
            frames: 3 or 5 (two or three exposures), (H, W, 3) float32 in gamma space, [0, 1].
            exposures: e >= 1 of each, relative to the shortest.

        Returns:
            (H, W, 3) float32, linear, 1 where the shortest exposure saturates.
        """
        if not len(frames) == len(exposures) == self._frames:
            raise InputError(
                f"a window of {len(frames)} frames with {len(exposures)} exposures",
                expected=f"{self._frames} of each, for this checkpoint",
            )
        torch = self._torch
        height, width = frames[0].shape[:2]
        (top, bottom), (left, right) = (_padding(height), _padding(width))
        sides = ((top, bottom), (left, right), (0, 0))
        padded = [np.pad(frame, sides, mode="edge").transpose(2, 0, 1)[None] for frame in frames]
        pictures = [torch.from_numpy(p.astype(np.float32)).to(self._device) for p in padded]
        gains = [torch.tensor([float(e)], device=self._device) for e in exposures]
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was written for torch 1.12
            hdr, _flows = self._network(pictures, gains, test_mode=True)
        inner = hdr[0, :, top : top + height, left : left + width]
        result: Picture = inner.permute(1, 2, 0).float().cpu().numpy()
        return result


def own_checkpoint(clone: Path, exposures: int) -> Path:
    """Where a clone has the weights that were published."""
    return clone / "pretrained_models" / f"{exposures}E" / "checkpoint.pth"


def _padding(extent: int) -> tuple[int, int]:
    missing = -extent % _MULTIPLE
    return missing // 2, missing - missing // 2


def _import_torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        raise InputError(
            "HDRFlow needs torch, which is not installed",
            next_step="In a clone of lrhdr, run: pip install '.[train]' -c constraints.txt",
        ) from None


def _load_class(source: Path) -> Any:
    """The clone's class `HDRFlow`. Neither sys.path nor sys.modules is changed for good."""
    spec = ModuleSpec(_PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(source.parent)]
    sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        return importlib.import_module(f"{_PACKAGE}.{source.stem}").HDRFlow
    except (ImportError, AttributeError, SyntaxError) as error:
        raise InputError(
            f"{source} cannot be used ({_first_line(error)})",
            expected="HDRFlow's class HDRFlow",
            next_step=f"Compare the clone with {_REPOSITORY}",
        ) from None
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == _PACKAGE]:
            del sys.modules[name]


def _state(torch: Any, checkpoint: Path) -> dict[str, Any]:
    """The weights by name, without the prefix of the wrapper it is trained in.

    Raises:
        TypeError: it is no checkpoint of HDRFlow's form.
    """
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = saved.get("state_dict") if isinstance(saved, Mapping) else None
    if not isinstance(state, Mapping):
        raise TypeError("it holds no state_dict")
    return {name.removeprefix("module."): value for name, value in state.items()}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")
