"""Memory of this process and of the machine, in MB (10^6)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_STATUS = Path("/proc/self/status")
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")  # version 2: what a container may use
_KILLED_FIRST = "1000"
_MIB = 2**20
_SMI_S = 30.0


class HasGreatest(Protocol):
    """What `resource` and `os.wait4` say of a process."""

    @property
    def ru_maxrss(self) -> int:
        """In the system's own unit."""


def greatest_resident_mb(status: Path = _STATUS) -> float | None:
    """The most memory that this process ever held; None where the system does not say.

    Args:
        status: as Linux writes it. What `resource` says there begins at what the parent held.
    """
    with suppress(OSError, ValueError, StopIteration):
        lines = status.read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    if sys.platform == "win32":
        return None
    import resource

    return greatest_of(resource.getrusage(resource.RUSAGE_SELF))


def greatest_of(usage: HasGreatest) -> float:
    """The same of any process, as the system counts it: Linux in KiB, macOS in bytes.

    On Linux it is at least what the process's parent held when it started it.
    """
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def available_mb(meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> float | None:
    """What new work can have before something is pushed out; None where the system does not say.

    Args:
        meminfo: as Linux writes it.
        cgroup: folder of the control group, whose limit counts too.
    """
    found = []
    with suppress(OSError, ValueError, StopIteration):
        lines = meminfo.read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        found.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):  # "max" is no number: no limit
        limit = int((cgroup / "memory.max").read_text())
        found.append(limit - int((cgroup / "memory.current").read_text()) + _cached(cgroup))
    return min(found) / 1e6 if found else None


def _cached(cgroup: Path) -> int:
    """Bytes of files that the group counts as its own and gives up when it needs them."""
    with suppress(OSError, ValueError):
        for line in (cgroup / "memory.stat").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "inactive_file":
                return int(count)
    return 0


def device_mb() -> float | None:
    """What is taken of the first GPU's memory, by whomever; None without one. Not run on a GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    command = [tool, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SMI_S)
        return int(said.stdout.split()[0]) * _MIB / 1e6
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def be_killed_first() -> None:
    """Where memory runs out, let the system end this process and not its parent."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)
