"""All checks, and what follows from them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from lrhdr import __version__
from lrhdr_engines.doctor import machine, packages, storage
from lrhdr_engines.doctor.record import Finding
from lrhdr_engines.doctor.ways import WAYS, Way

Check = Callable[[], Finding]

CHECKS: tuple[Check, ...] = (
    machine.check_driver,
    machine.check_gpus,
    machine.check_nvcc,
    machine.check_headers,
    machine.check_tools,
    storage.check_plugin,
    *(package.check for package in packages.PACKAGES),
    packages.check_cuda_provider,
    machine.check_codecs,
    storage.check_cache,
)
_AT_ONCE = 4  # most of the time goes into starting other processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found, and which ways work."""

    findings: tuple[Finding, ...]
    ways: tuple[Finding, ...]

    @property
    def works(self) -> bool:
        """Whether any way does."""
        return any(way.ok for way in self.ways)

    def facts(self) -> dict[str, Any]:
        """For a file."""
        return {
            "lrhdr": __version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            "works": self.works,
            "findings": [asdict(finding) for finding in self.findings],
            "ways": [asdict(way) for way in self.ways],
        }


def diagnose(checks: Sequence[Check] = CHECKS, ways: Sequence[Way] = WAYS) -> Diagnosis:
    """Run every check, then every way's; several at once."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        findings = tuple(pool.map(lambda check: check(), checks))
        known = {finding.name: finding for finding in findings}
        tried = pool.map(lambda check: check(), [partial(way.check, known) for way in ways])
        return Diagnosis(findings=findings, ways=tuple(tried))
