"""What the kernels are called with, by a library in C that notes it. Not run on a GPU."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lrhdr.errors import BackendError
from lrhdr_engines.device.kernels import PluginKernels
from lrhdr_engines.device.protocol import Encoding
from lrhdr_engines.device.tensorrt_programs import Kernels
from tests.engines.plugin.conftest import missing

# The signatures are those of frame_launch.cu, where a CUstream is a pointer.
STANDIN = r"""
#include <stdio.h>
#include <stdlib.h>
static char said[400];
static int result(void) { return atoi(getenv("STANDIN_RESULT")); }
const char* standin_said(void) { return said; }
int lrhdr_unpack(const void* codes, float* image, int height, int width, int padded_height,
                 int padded_width, int bits, void* stream) {
  sprintf(said, "unpack %p %p %d %d %d %d %d %p", codes, (void*)image, height, width,
          padded_height, padded_width, bits, stream);
  return result();
}
int lrhdr_pack(const float* hdr, void* picture, double* statistics, int height, int width,
               int padded_height, int padded_width, float gain, int pq, double white_nits,
               void* stream) {
  sprintf(said, "pack %p %p %p %d %d %d %d %a %d %a %p", (void*)hdr, picture, (void*)statistics,
          height, width, padded_height, padded_width, gain, pq, white_nits, stream);
  return result();
}
#ifndef OLD
const char* lrhdr_error_text(int code) {
  return code == 2 ? "out of memory" : code == 700 ? "an illegal memory access was encountered"
                                                   : "invalid argument";
}
#endif
"""
# Above 32 bits, as real ones are.
RAW, IMAGE, HDR, PICTURE, SEEN, STREAM = (0x7F0011223300 + k for k in range(6))


@pytest.fixture(scope="module")
def standins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The library, and one of an older version."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        missing("no C compiler was found")
    folder = tmp_path_factory.mktemp("standin")
    (folder / "standin.c").write_text(STANDIN)
    made = {}
    for name, options in (("new", ()), ("old", ("-DOLD",))):
        made[name] = folder / f"{name}.so"
        command = [str(compiler), "-shared", "-fPIC", "-Wall", "-Werror", *options]
        subprocess.run([*command, folder / "standin.c", "-o", made[name]], check=True, timeout=60)
    return made


class Rig:
    def __init__(self, path: Path) -> None:
        self.kernels: Kernels = PluginKernels(path)
        self._said = ctypes.CDLL(str(path)).standin_said
        self._said.restype = ctypes.c_char_p

    @property
    def said(self) -> str:
        return str(self._said().decode())


@pytest.fixture
def rig(standins: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setenv("STANDIN_RESULT", "0")
    return Rig(standins["new"])


def buffer(address: int, shape: tuple[int, ...], kind: type[Any]) -> Any:
    return SimpleNamespace(
        name=f"at {address:#x}", address=address, shape=shape, dtype=np.dtype(kind)
    )


planes = buffer(IMAGE, (1, 3, 8, 12), np.float32)
radiance = buffer(HDR, (1, 3, 8, 12), np.float32)
seen = buffer(SEEN, (3,), np.float64)


@pytest.mark.parametrize(("kind", "bits"), [(np.uint8, 8), (np.uint16, 16)])
def test_unpack(rig: Rig, kind: type[Any], bits: int) -> None:
    rig.kernels.unpack(buffer(RAW, (5, 9, 3), kind), planes, STREAM)
    assert rig.said == f"unpack {RAW:#x} {IMAGE:#x} 5 9 8 12 {bits} {STREAM:#x}"


def test_pack_radiance(rig: Rig) -> None:
    picture = buffer(PICTURE, (5, 9, 3), np.float32)
    rig.kernels.pack(radiance, picture, seen, Encoding(gain=8.0), STREAM)
    addresses = f"{HDR:#x} {PICTURE:#x} {SEEN:#x}"
    assert rig.said == f"pack {addresses} 5 9 8 12 0x1p+3 0 0x0p+0 {STREAM:#x}"


def test_pack_codes(rig: Rig) -> None:
    picture = buffer(PICTURE, (5, 9, 3), np.uint16)
    rig.kernels.pack(radiance, picture, seen, Encoding(gain=0.25, white_nits=203.5), STREAM)
    addresses = f"{HDR:#x} {PICTURE:#x} {SEEN:#x}"
    assert rig.said == f"pack {addresses} 5 9 8 12 0x1p-2 1 0x1.97p+7 {STREAM:#x}"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("2", r"the GPU is out of memory \(out of memory by lrhdr_unpack\).*smaller frame size"),
        ("700", r"the GPU was lost or its work failed \(.*illegal.* by lrhdr_unpack\)"),
        ("1", r"CUDA failed: invalid argument by lrhdr_unpack.*defect of lrhdr"),
    ],
)
def test_an_error_of_cuda_is_explained(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, code: str, line: str
) -> None:
    monkeypatch.setenv("STANDIN_RESULT", code)
    with pytest.raises(BackendError, match=line):
        rig.kernels.unpack(buffer(RAW, (5, 9, 3), np.uint8), planes, STREAM)


def test_other_types_never_reach_the_kernels(rig: Rig) -> None:
    before = rig.said
    floats, codes = (buffer(PICTURE, (5, 9, 3), kind) for kind in (np.float32, np.uint16))
    with pytest.raises(TypeError, match=r"is float32 where uint8 or uint16 is needed"):
        rig.kernels.unpack(floats, planes, STREAM)
    with pytest.raises(TypeError, match=r"is float32 where uint16 is needed"):
        rig.kernels.pack(radiance, floats, seen, Encoding(gain=1.0, white_nits=203.0), STREAM)
    with pytest.raises(TypeError, match=r"is uint16 where float32 is needed"):
        rig.kernels.pack(radiance, codes, seen, Encoding(gain=1.0), STREAM)
    half = buffer(IMAGE, (1, 3, 8, 12), np.float16)
    with pytest.raises(TypeError, match=r"is float16 where float32 is needed"):
        rig.kernels.unpack(codes, half, STREAM)
    assert rig.said == before


def test_a_library_without_them_must_be_built_again(standins: dict[str, Path]) -> None:
    again = r"old\.so has no frame kernels .*lrhdr_error_text.*Build it again: lrhdr-export plugin"
    with pytest.raises(BackendError, match=again):
        PluginKernels(standins["old"])


def test_what_is_no_library_must_be_built_again(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(BackendError, match=r"text\.so cannot be loaded .*Build it again"):
        PluginKernels(tmp_path / "text.so")


def test_the_library_is_the_one_that_is_found(
    standins: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRHDR_PLUGIN", str(standins["new"]))
    PluginKernels()
    monkeypatch.setenv("LRHDR_PLUGIN", str(standins["old"]))
    with pytest.raises(BackendError, match=r"old\.so has no frame kernels"):
        PluginKernels()
