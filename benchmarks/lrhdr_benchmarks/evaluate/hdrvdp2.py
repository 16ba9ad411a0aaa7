"""HDR-VDP-2, for those who have its authors' MATLAB code, by way of Octave.

Its Q is reported twice: for absolute light (`rgb-bt.709`, H = 1 at `PEAK_NITS`), as the metric
asks for, and for H given as the pixels of an sRGB display, as DeepHDRVideo's public evaluation
does. Version 2.2.1 ran unchanged; without the compiled parts of its pyramid tools it is slow.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from lrhdr.errors import InputError, LrhdrError
from lrhdr.metrics import PEAK_NITS
from lrhdr_benchmarks.evaluate.measures import Domains

PIXELS_PER_DEGREE = 30

# Releases look for their pyramid tools in a way that Octave does not know: all folders go on
# the path. The image package has imresize; where it is missing, Octave says so itself.
_SCRIPT = """
warning('off', 'all');
addpath(genpath('{folder}'));
addpath(pwd);
try, pkg('load', 'image'); catch, end
size = [{height} {width} 3];
test = reshape(fread(fopen('test'), Inf, 'double'), size);
truth = reshape(fread(fopen('truth'), Inf, 'double'), size);
light = hdrvdp({nits} * test, {nits} * truth, 'rgb-bt.709', {ppd}, {{}});
pixels = hdrvdp(test, truth, 'sRGB-display', {ppd}, {{}});
printf('\\nQ %.12g %.12g\\n', light.Q, pixels.Q);
"""
# MATLAB's ifft2 takes a last argument that Octave's does not know.
_IFFT2 = """
function result = ifft2(varargin)
  symmetric = ischar(varargin{end});
  result = builtin('ifft2', varargin{1:end - symmetric});
  if symmetric
    result = real(result);
  end
end
"""


class HdrVdp2:
    """The meter. An Octave process for every frame."""

    def __init__(self, folder: Path) -> None:
        """Find the code and Octave.

        Args:
            folder: of the metric, with hdrvdp.m.

        Raises:
            InputError: hdrvdp.m or Octave is missing.
        """
        if not (folder / "hdrvdp.m").is_file():
            raise InputError(
                f"{folder / 'hdrvdp.m'} is missing", expected="the folder of HDR-VDP-2's code"
            )
        octave = shutil.which("octave-cli") or shutil.which("octave")
        if octave is None:
            raise InputError(
                "HDR-VDP-2 without octave",
                expected="octave on the PATH",
                next_step="Install GNU Octave with its image package, or leave out --hdrvdp2",
            )
        self._octave, self._folder = octave, folder.resolve()

    def __call__(self, prediction: Domains, truth: Domains) -> dict[str, float]:
        """Both kinds of Q, 100 for no difference.

        Raises:
            LrhdrError: the script failed; the message says Octave's reason.
        """
        height, width = truth.linear.shape[:2]
        script = _SCRIPT.format(
            folder=str(self._folder).replace("'", "''"),
            height=height,
            width=width,
            nits=PEAK_NITS,
            ppd=PIXELS_PER_DEGREE,
        )
        with TemporaryDirectory() as folder:
            Path(folder, "ifft2.m").write_text(_IFFT2, encoding="utf-8")
            for name, picture in (("test", prediction), ("truth", truth)):
                # Octave's order: columns first.
                Path(folder, name).write_bytes(picture.linear.astype("<f8").tobytes("F"))
            done = subprocess.run(
                [self._octave, "--norc", "--quiet", "--eval", script],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        # The exit status tells nothing: some versions of Octave stumble on their way out.
        found = re.search(r"^Q (\S+) (\S+)$", done.stdout, flags=re.MULTILINE)
        if not found:
            raise LrhdrError(f"HDR-VDP-2 failed: {_reason(done.stderr)}")
        return {"hdrvdp2": float(found[1]), "hdrvdp2_srgb": float(found[2])}


def _reason(said: str) -> str:
    """The first error that Octave reported."""
    lines = [line for line in said.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("error:")), (lines or ["no result"])[0])
