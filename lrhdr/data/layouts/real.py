"""The real benchmark (DeepHDRVideo): recorded scenes, in one folder for each kind.

```
dynamic_RGB_data_{2,3}exp_release/, static_RGB_data_{2,3}exp_rand_motion_release/
  scene_all.txt          folders, one a line
  SCENE/
    img_hdr_list.txt     "img_00.tif TRUTH.hdr", one a frame
    img_list.txt         the images alone
    Exposures.txt        log2 stops of one cycle
    img_XX.tif, *.hdr    16 bits, gamma 2.2; linear
```
"""

from __future__ import annotations

from pathlib import Path

from lrhdr.data.layouts.folder import open_folder
from lrhdr.data.layouts.lists import check_all_listed, read_lines, read_names, read_pairs
from lrhdr.data.layouts.scene import TestScene
from lrhdr.errors import InputError

SCENES = "scene_all.txt"
KINDS = {
    "dynamic": "dynamic_RGB_data_{}exp_release",
    "static": "static_RGB_data_{}exp_rand_motion_release",
}


def open_real(root: Path, exposures: int) -> list[TestScene]:
    """The scenes of the real benchmark.

    Args:
        root: one of the folders above or the one that holds them. Then every folder for
            that many exposures is taken, and names are `dynamic-SCENE` and `static-SCENE`.
        exposures: in a cycle, 2 or 3.

    Raises:
        InputError: see `open_layout`.
    """
    if (root / SCENES).is_file():
        return _open_kind(root, exposures, prefix="")
    folders = {kind: root / name.format(exposures) for kind, name in KINDS.items()}
    present = {kind: folder for kind, folder in folders.items() if folder.is_dir()}
    if not present:
        raise InputError(
            f"{root / SCENES} is missing",
            expected=f"it, or {' or '.join(folder.name for folder in folders.values())}",
        )
    return [
        scene
        for kind, folder in present.items()
        for scene in _open_kind(folder, exposures, prefix=f"{kind}-")
    ]


def _open_kind(root: Path, exposures: int, *, prefix: str) -> list[TestScene]:
    names = read_names(root / SCENES, "scenes")
    return [_open(root / name, prefix + name, exposures) for name in names]


def _open(folder: Path, name: str, exposures: int) -> TestScene:
    listing = folder / "img_hdr_list.txt"
    pairs = read_pairs(listing)
    images = [image for image, _ in pairs]
    check_all_listed(folder, images, listing)
    alone = folder / "img_list.txt"
    if alone.exists() and read_lines(alone, "images") != images:
        raise InputError(f"{alone} and {listing} differ", expected="the same images in both")
    return open_folder(
        folder,
        name=name,
        exposures=exposures,
        listing=listing,
        images=images,
        stems=[Path(image).stem for image in images],
        truths=_truths([truth for _, truth in pairs]),
    )


def _truths(names: list[str]) -> dict[int, str]:
    """By frame. A dynamic scene names one for all frames: it shows the frame in the middle."""
    if len(set(names)) == 1:
        names = [name if i == len(names) // 2 else "None" for i, name in enumerate(names)]
    return {index: name for index, name in enumerate(names) if name != "None"}
