"""FILM's official PyTorch weights (a TorchScript file) as safetensors for `Film`.

The official file's keys, by part; this model keeps the same names:

| key | what it is |
| --- | --- |
| `extract.extract_sublevels.convs.{0-3}.{0,1}.0.*` | feature sub-tree, fine to coarse, two each |
| `predict_flow._predictor._convs.{0-4}.0.*` | the flow predictor that levels 3 and coarser share |
| `predict_flow._predictors.{0,1,2}._convs.{0-4}.0.*` | the predictors of levels 2, 1 and 0 |
| `fuse.convs.{0-3}.{0,1,2}.0.*` | decoder, coarse to fine: 2x2 after upsampling, then two 3x3 |
| `fuse.output_conv.*` | the last 1x1 to RGB |
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lrhdr.errors import BundleError, InputError, OutputError
from lrhdr.model.config import FilmConfig
from lrhdr.model.film import Film
from lrhdr.model.network import Network


def expected_shapes() -> dict[str, tuple[int, ...]]:
    """Key and shape of the 82 tensors of the released network."""
    with torch.device("meta"):
        return {k: tuple(v.shape) for k, v in Film(FilmConfig()).state_dict().items()}


def check_layout(state: dict[str, Tensor], origin: str) -> None:
    """Compare keys and shapes with the released network.

    Raises:
        InputError: a key is missing or unknown, or a shape differs; the first is named.
    """
    expected = expected_shapes()
    missing, unknown = sorted(expected.keys() - state.keys()), sorted(state.keys() - expected)
    if missing or unknown:
        raise InputError(
            f"{origin}: {len(missing)} keys missing (first: {missing[:1] or 'none'}), "
            f"{len(unknown)} unknown (first: {unknown[:1] or 'none'})",
            expected=f"the {len(expected)} tensors of film_net_fp32.pt or film_net_fp16.pt",
        )
    for key, shape in expected.items():
        if tuple(state[key].shape) != shape:
            raise InputError(
                f"{origin}: {key} has shape {tuple(state[key].shape)}", expected=f"{shape}"
            )


def convert_film(source: Path, target: Path, *, overwrite: bool = False) -> int:
    """Convert an official TorchScript file; the number of parameters.

    Loading TorchScript runs code from the file, so this happens only here, on
    request, and never in the runtime.

    Raises:
        InputError: the file cannot be loaded, or holds another network.
        OutputError: the target exists or cannot be written.
    """
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists", next_step="Give another -o, or add --overwrite")
    try:
        module: torch.nn.Module = torch.jit.load(str(source), map_location="cpu")  # type: ignore[no-untyped-call]
        state = module.state_dict()
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
        raise InputError(
            f"{source} is no TorchScript file ({reason})",
            expected="film_net_fp32.pt or film_net_fp16.pt of FILM's PyTorch release",
        ) from error
    check_layout(state, str(source))
    tensors = {k: v.float().contiguous() for k, v in state.items()}
    temporary = target.with_name(target.name + ".part")
    try:
        save_file(tensors, temporary)
        temporary.replace(target)
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        reason = str(error).splitlines()[0]
        raise OutputError(f"{target} cannot be written ({reason})") from error
    return sum(v.numel() for v in tensors.values())


def adopt_official_film(network: Network, path: Path) -> None:
    """Give a `paper` network the interpolator of a converted file.

    Raises:
        BundleError: the network is not FILM as released.
        InputError: the file does not hold it.
    """
    if network.config.film != FilmConfig():
        raise BundleError(
            f"the {network.config.preset} model has a smaller FILM than the official weights",
            next_step="Use --model paper",
        )
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path} cannot be read as weights ({reason})",
            expected="a file written by lrhdr-export film-weights",
        ) from error
    check_layout(state, str(path))
    network.film.load_state_dict(state)
