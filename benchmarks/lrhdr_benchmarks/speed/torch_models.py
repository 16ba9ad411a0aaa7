"""Our own model by PyTorch as a subject: what the engines are worth beside it.

It does the work of the engines and no more: see `torch_stream`. The windows, the padding and the
precision (FP32, as PyTorch sets it by default) are the same too.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from lrhdr.contract import WINDOWS
from lrhdr.errors import BackendError, BundleError
from lrhdr_benchmarks.evaluate.extras import need
from lrhdr_benchmarks.speed import clips
from lrhdr_benchmarks.speed.engines import STAGES
from lrhdr_benchmarks.speed.record import Case
from lrhdr_benchmarks.speed.subject import Frame, Picture
from lrhdr_benchmarks.speed.torch_stream import Parts, TorchStream
from lrhdr_benchmarks.speed.windowed import windows
from lrhdr_engines.bundle import Bundle
from lrhdr_engines.padding import padded

if TYPE_CHECKING:
    from torch import Tensor

    from lrhdr.model.network import Network

PAPER: Final = "paper"  # no bundle of it is shipped; the time does not depend on the weights
_WHITE = 255.0


class TorchSubject:
    """See `Subject`. On the GPU where torch finds one; every part is waited for there."""

    def __init__(self, case: Case, threads: int | None, *, compiled: bool) -> None:
        """Load the network and begin the clip.

        Args:
            case: its model is a bundle that has its weights, or "paper" with random ones.
            threads: of torch; None leaves them as they are.
            compiled: by torch.compile, which the first output waits for.

        Raises:
            LrhdrError: torch is not installed, or the bundle cannot be opened or has no weights.
        """
        need("torch", "train")
        need("safetensors", "train")
        import torch

        from lrhdr.training.precision import device

        if threads is not None:
            torch.set_num_threads(threads)
        network = _network(case.model, case.exposures).to(device())
        self.ahead: int | None = WINDOWS[case.exposures].offsets[-1]
        self.in_flight = 0
        self._case = case
        self._multiple = network.config.film.multiple
        self._stream = TorchStream(Parts(network, device(), compiled=compiled), case.exposures)
        self._windows = windows(case, self._image)
        self._total_ms = self._post_ms = 0.0

    def output(self) -> Picture:
        """See `Subject`.

        Raises:
            BackendError: torch failed: it cannot compile here, or memory is out.
        """
        import torch

        began = time.perf_counter()
        try:
            with torch.inference_mode():
                hdr = self._stream.fused(next(self._windows))
                fused = time.perf_counter()
                picture = self._picture(hdr)
        except RuntimeError as error:  # the base of all that torch raises
            raise BackendError(f"PyTorch failed: {' '.join(str(error).split())[:300]}") from error
        ended = time.perf_counter()
        self._total_ms, self._post_ms = 1e3 * (ended - began), 1e3 * (ended - fused)
        return picture

    def stages(self) -> dict[str, float]:
        """See `Subject`; `pre` is what is neither a graph nor after the fusion."""
        graphs = self.graph_ms()
        inside = dict.fromkeys((STAGES[name] for name in graphs), 0.0)
        for name, taken in graphs.items():
            inside[STAGES[name]] += taken
        pre = self._total_ms - self._post_ms - sum(graphs.values())
        return {"pre": pre, **inside, "post": self._post_ms}

    def graph_ms(self) -> dict[str, float]:
        """See `Subject`."""
        return dict(self._stream.parts.taken_ms)

    def close(self) -> None:
        """See `Subject`: nothing is held outside this process's memory."""

    def _image(self, frame: Frame) -> Tensor:
        """(H, W, 3) codes to (1, 3, H', W') in [0, 1], padded."""
        import torch
        from torch.nn import functional as F

        height, width, _ = frame.shape
        full_height, full_width = padded(height, width, self._multiple)
        codes = torch.from_numpy(frame).to(self._stream.parts.device).permute(2, 0, 1)[None]
        image = codes.contiguous().float() / _WHITE
        return F.pad(image, (0, full_width - width, 0, full_height - height), mode="replicate")

    def _picture(self, hdr: Tensor) -> Picture:
        """(1, 3, H', W') to (H, W, 3), where EV 0 saturates at 1."""
        gain = 2.0 ** -min(clips.ev(self._case.exposures))
        inner = hdr[0, :, : self._case.height, : self._case.width]
        picture: Picture = (inner * gain).permute(1, 2, 0).contiguous().cpu().numpy()
        return picture


def _network(model: str, exposures: int) -> Network:
    import torch

    from lrhdr.model.config import preset
    from lrhdr.model.network import Network
    from lrhdr.model.weights import load_weights

    if model == PAPER:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return Network(preset(PAPER, exposures)).eval()
    bundle = Bundle.open(model, exposures)
    weights = bundle.manifest.weights
    if weights is None:
        raise BundleError(
            f"the bundle {bundle.folder} has no weights, which PyTorch needs",
            next_step="Export it again with lrhdr-export onnx",
        )
    return load_weights(weights.verified(bundle.folder))
