"""The synthetic test set (Cinematic Video): two scenes rendered from HDR video.

```
HDR_Synthetic_Test_Dataset/
  scenes_2expo.txt, scenes_3expo.txt   folders of Images, one a line
  Images/SCENE_2expo/
    img_list.txt                       stems, one a frame
    Exposures.txt                      log2 stops of one cycle
    STEM.tif                           16 bits, gamma 2.2
    STEM.hdr                           truth of the frames that are measured
    hdr_expos.txt                      "STEM.hdr e" of every truth; not needed here
```
"""

from __future__ import annotations

from pathlib import Path

from lrhdr.data.layouts.folder import open_folder
from lrhdr.data.layouts.lists import check_all_listed, find_root, read_names
from lrhdr.data.layouts.scene import TestScene, measurable
from lrhdr.errors import InputError

FOLDER, IMAGES = "HDR_Synthetic_Test_Dataset", "Images"


def scene_list(exposures: int) -> str:
    """The name of the list of scenes."""
    return f"scenes_{exposures}expo.txt"


def scene_folder(name: str, exposures: int) -> str:
    """The folder of a scene, whose name may end in it already."""
    suffix = f"_{exposures}expo"
    return name if name.endswith(suffix) else name + suffix


def open_synthetic(root: Path, exposures: int) -> list[TestScene]:
    """The scenes of the synthetic set.

    The noise of the shorter exposures was added when the set was made: it is in the .tif
    files. The public loaders add none and neither does this one. They take the truth as
    stored, which never exceeds 1 in that set.

    Args:
        root: `HDR_Synthetic_Test_Dataset` or the folder that holds it.
        exposures: in a cycle, 2 or 3.

    Raises:
        InputError: see `open_layout`.
    """
    root = find_root(root, FOLDER, scene_list(exposures))
    listed = root / scene_list(exposures)
    return [_open(listed, name, exposures) for name in read_names(listed, "scenes")]


def _open(listed: Path, name: str, exposures: int) -> TestScene:
    images = listed.parent / IMAGES
    names = dict.fromkeys((name, scene_folder(name, exposures)))  # either, and no name twice
    found = [images / each for each in names if (images / each).is_dir()]
    if not found:
        raise InputError(f"{listed} names {name!r}", expected=f"a folder {images / name}")
    folder = found[0]
    listing = folder / "img_list.txt"
    stems = read_names(listing, "frames")
    files = [f"{stem}.tif" for stem in stems]
    check_all_listed(folder, files, listing)
    needed = measurable(len(stems), exposures)
    truths = {index: f"{stem}.hdr" for index, stem in enumerate(stems)}
    return open_folder(
        folder,
        name=folder.name,
        exposures=exposures,
        listing=listing,
        images=files,
        stems=stems,
        truths={i: hdr for i, hdr in truths.items() if i in needed or (folder / hdr).is_file()},
    )
