"""The ways to run lrhdr here: what each needs, and a trial that proves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lrhdr_engines.doctor import machine, packages, storage
from lrhdr_engines.doctor.packages import Probe
from lrhdr_engines.doctor.probe import probe
from lrhdr_engines.doctor.record import Finding

_GPU = (machine.GPUS,)  # seen by the driver, so that is there too
_PLUGIN = (storage.PLUGIN, machine.TOOLS)  # there, or it can be built
_DEVICE = (packages.CUDA_CORE.name, packages.PYCUDA.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way.

    Attributes:
        name: for the user.
        needs: findings, of each group one.
        trial: of `trials`, with its arguments, where nothing is missing.
    """

    name: str
    needs: tuple[tuple[str, ...], ...]
    trial: tuple[str, ...]

    def check(self, findings: Mapping[str, Finding], probe: Probe = probe) -> Finding:
        """Whether it works; if not, why, and everything that is to be installed for it."""
        lacks = list(self._lacks(findings))
        if lacks:
            return Finding(
                name=self.name,
                status="missing",
                found="; ".join(f"{each.name}: {each.found}" for each in lacks),
                remedy="; ".join(each.remedy for each in lacks),
            )
        tried = probe(*self.trial)
        if tried.outcome == "ok":
            return Finding(name=self.name, status="ok", found=tried.text)
        return Finding(name=self.name, status="broken", found=tried.text)

    def _lacks(self, findings: Mapping[str, Finding]) -> Iterator[Finding]:
        for group in self.needs:
            if not any(findings[name].ok for name in group):
                yield findings[group[0]]


WAYS = (
    Way(
        name="onnxruntime on the CPU",
        needs=((packages.ONNXRUNTIME.name,),),
        trial=("run-cpu",),
    ),
    Way(
        name="onnxruntime on CUDA",
        needs=(_GPU, (packages.ONNXRUNTIME.name,), (packages.CUDA_PROVIDER,)),
        trial=("run-cuda",),
    ),
    Way(name="openvino", needs=((packages.OPENVINO.name,),), trial=("run", "openvino")),
    Way(
        name="tensorrt",
        needs=(_GPU, (packages.TENSORRT.name,), _DEVICE, _PLUGIN),
        trial=("run-engine", "tensorrt"),
    ),
    Way(
        name="tensorrt-rtx: building ahead of time",
        needs=((packages.TENSORRT_RTX.name,), _PLUGIN),
        trial=("build-rtx",),
    ),
    Way(
        name="tensorrt-rtx: running",
        needs=(_GPU, (packages.TENSORRT_RTX.name,), _DEVICE, _PLUGIN),
        trial=("run-engine", "tensorrt-rtx"),
    ),
)
