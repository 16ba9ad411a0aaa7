"""The set of Kalantari et al. 2013 (TOG13): recorded scenes without a truth.

```
TOG13_Dynamic_Dataset/
  2Exp_scenes.txt, 3Exp_scenes.txt   folders, one a line
  BaslerCRF.mat                      the camera's response: code to linear light, a column a channel
  SCENE/
    img_hdr_list.txt, img_list.txt   "image hdr", images
    Exposures.txt                    log2 stops of one cycle
    *.tif                            16 bits, as the camera encodes
    HDR/                             results of Kalantari et al., which are no truth
    Affine_Trans_Matrices/           similarity transforms between neighbours
```
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lrhdr.data.layouts.folder import open_folder
from lrhdr.data.layouts.lists import find_root, read_names, read_pairs
from lrhdr.data.layouts.pictures import read_codes
from lrhdr.data.layouts.scene import Picture, TestScene
from lrhdr.errors import InputError
from lrhdr.light import expose
from lrhdr.matfile import read_matrix

FOLDER, RESPONSE = "TOG13_Dynamic_Dataset", "BaslerCRF"


def open_kalantari13(root: Path, exposures: int) -> list[TestScene]:
    """The scenes of TOG13. Their frames are linearised by the response, then in gamma 2.2.

    `Affine_Trans_Matrices` is not used: the peers warp the neighbours of a frame by it
    before their networks see them; here a method gets the frames as recorded.

    Args:
        root: `TOG13_Dynamic_Dataset` or the folder that holds it.
        exposures: in a cycle, 2 or 3.

    Raises:
        InputError: see `open_layout`.
    """
    scenes = f"{exposures}Exp_scenes.txt"
    root = find_root(root, FOLDER, scenes)
    decode = _decoder(root / f"{RESPONSE}.mat")
    return [_open(root / name, exposures, decode) for name in read_names(root / scenes, "scenes")]


def _open(folder: Path, exposures: int, decode: Callable[[Path], Picture]) -> TestScene:
    listing = folder / "img_hdr_list.txt"  # before the other, as in the public loaders
    if listing.exists():
        images = [image for image, _ in read_pairs(listing)]
    else:
        listing = folder / "img_list.txt"
        images = read_names(listing, "images")
    return open_folder(
        folder,
        name=folder.name,
        exposures=exposures,
        listing=listing,
        images=images,
        stems=[Path(image).stem for image in images],
        truths=None,
        decode=decode,
    )


def _decoder(path: Path) -> Callable[[Path], Picture]:
    """What turns a file of codes to a frame in gamma space, by the response in `path`."""
    response = read_matrix(path, RESPONSE)
    if response.shape != (65536, 3) or not np.isfinite(response).all() or response.max() <= 0:
        shape = "x".join(map(str, response.shape))
        raise InputError(
            f"{path} holds a {shape} matrix up to {response.max():g}",
            expected="the linear light of each of 65536 codes in 3 channels, finite",
        )
    table = expose(response / response.max(), 1.0).astype(np.float32)

    def decode(file: Path) -> Picture:
        codes = read_codes(file)
        if codes.dtype != np.uint16:
            raise InputError(f"{file} holds {codes.dtype} samples", expected="16 bits")
        frame: Picture = table[codes, np.arange(3)]
        return frame

    return decode
