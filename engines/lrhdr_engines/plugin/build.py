"""Building the library: CMake in a temporary folder, then a rename into place under a lock."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from lrhdr.errors import BackendError, InputError
from lrhdr_engines.build.settings import Report, parse_sms
from lrhdr_engines.lock import locked
from lrhdr_engines.plugin.record import LIBRARY, Plugin, Resources, sha256_of, write_record
from lrhdr_engines.plugin.sources import source_folder, source_hash
from lrhdr_engines.plugin.toolkit import Toolkit
from lrhdr_engines.whole import keep_whole, sweep

ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)
_OLDEST_SM = 75
_LOG_LINES = 200


def parse_architectures(text: str) -> tuple[int, ...]:
    """A list such as "75,86,8.9" to numbers, ascending.

    Raises:
        InputError: something else, or a GPU older than Turing.
    """
    numbers = parse_sms(text)
    if numbers[0] < _OLDEST_SM:
        raise InputError(f"architecture {numbers[0]}", expected=f"{_OLDEST_SM} (Turing) or newer")
    return numbers


def build_plugin(
    out: Path,
    architectures: Sequence[int] = ARCHITECTURES,
    *,
    nvcc: Path | None = None,
    headers: Path | None = None,
    report: Report = lambda _: None,
    existing: Callable[[], Plugin | None] = lambda: None,
) -> Plugin:
    """Build the library into the folder `out`, with its sidecar.

    Args:
        out: made where it is missing.
        architectures: SMs to compile for; the last one's PTX is added for later GPUs.
        nvcc: instead of the one that would be found.
        headers: folder of NvInferRuntime.h, likewise.
        report: takes a line on what is being done.
        existing: asked once the folder is ours; what it gives is taken instead of building.

    Raises:
        BackendError: a tool is missing, or the compiler failed; the message names its log.
        OutputError: the disk is full, or the folder cannot be written.
    """
    target = out / LIBRARY

    def waiting() -> None:
        report(f"waiting for another process that builds {target}")

    with locked(out / f".{LIBRARY}.lock", waiting):
        found = existing()
        if found is not None:
            return found
        if sys.platform != "linux":
            raise BackendError(
                f"the plugin cannot be built on {sys.platform}", expected="Linux (or WSL)"
            )
        sweep(target)
        toolkit, sources = Toolkit.find(nvcc=nvcc, headers=headers), source_folder()
        names = ", ".join(map(str, architectures))
        report(
            f"building the plugin for SM {names} with nvcc {toolkit.nvcc_version} and TensorRT "
            f"{toolkit.headers_version} headers; once, some 15 s of a core for each SM"
        )
        compiled = source_hash(sources)
        with tempfile.TemporaryDirectory(prefix="lrhdr-plugin-") as folder:
            log = _compile(sources, Path(folder), toolkit, architectures, out, report)
            keep_whole(target, (Path(folder) / LIBRARY).read_bytes())
        plugin = Plugin(
            path=target,
            sha256=sha256_of(target),
            sources=compiled,
            architectures=tuple(architectures),
            nvcc=toolkit.nvcc_version,
            headers=toolkit.headers_version,
            resources=resources(log),
        )
        write_record(plugin)
    report(f"built {target}")
    return plugin


def _compile(
    sources: Path,
    folder: Path,
    toolkit: Toolkit,
    architectures: Sequence[int],
    out: Path,
    report: Report,
) -> list[str]:
    *real, last = architectures
    chosen = ";".join([*(f"{sm}-real" for sm in real), str(last)])
    configure = [
        *(str(toolkit.cmake), "-S", str(sources), "-B", str(folder)),
        f"-DCMAKE_CUDA_COMPILER={toolkit.nvcc}",
        f"-DCMAKE_CUDA_ARCHITECTURES={chosen}",
        f"-DTENSORRT_INCLUDE={toolkit.headers}",
        "-DCMAKE_CUDA_FLAGS=-Xptxas=-v",  # for `resources`
    ]
    lines: list[str] = []
    # One file at a time: nvcc itself works on all architectures at once, and the log stays whole.
    for command in (configure, [str(toolkit.cmake), "--build", str(folder)]):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                step = re.match(r"\[\s*(\d+%|\d+/\d+)\].*?(\w+\.(?:cu|cpp))\.o", line)
                if step is not None:
                    report(f"  {step[1]} {step[2]}")
        if process.returncode != 0:
            raise _failure(lines, out)
    return lines


def _failure(lines: Sequence[str], out: Path) -> BackendError:
    log = out / f"{LIBRARY}.log"
    keep_whole(log, "\n".join(lines[-_LOG_LINES:]).encode())
    telling = [
        line.strip() for line in lines if re.search(r"\b(error|fatal)\b", line, re.IGNORECASE)
    ]
    what = telling[0] if telling else "CMake failed"
    return BackendError(
        f"the plugin could not be built: {what}",
        next_step=f"The compiler's last lines are in {log}",
    )


def resources(log: Sequence[str]) -> dict[int, Resources]:
    """Registers and spills by architecture, from the lines of ptxas -v."""
    kernels: dict[int, list[tuple[int, int]]] = {}
    sm, spilled = 0, 0
    for line in log:
        if entry := re.search(r"Compiling entry function '\w+' for 'sm_(\d+)", line):
            sm, spilled = int(entry[1]), 0
        elif spills := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
            spilled = int(spills[1]) + int(spills[2])
        elif used := re.search(r"ptxas info\s*: Used (\d+) registers", line):
            kernels.setdefault(sm, []).append((int(used[1]), spilled))
    return {
        sm: Resources(
            kernels=len(found),
            registers=max(registers for registers, _ in found),
            spilled_bytes=sum(spilled for _, spilled in found),
        )
        for sm, found in sorted(kernels.items())
    }
