"""One scene from the files of one folder: what all layouts share once their lists are read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lrhdr.contract import WINDOWS
from lrhdr.data.layouts.lists import read_cycle
from lrhdr.data.layouts.pictures import read_frame, read_truth
from lrhdr.data.layouts.scene import Picture, TestScene, measurable
from lrhdr.errors import InputError


def open_folder(
    folder: Path,
    *,
    name: str,
    exposures: int,
    listing: Path,
    images: Sequence[str],
    stems: Sequence[str],
    truths: Mapping[int, str] | None,
    decode: Callable[[Path], Picture] = read_frame,
) -> TestScene:
    """A scene whose frames, truths and `Exposures.txt` lie in `folder`, all of them there.

    Args:
        folder: of the scene.
        name: of the scene, unique in its set.
        exposures: in a cycle, 2 or 3.
        listing: the file that names the frames, for messages.
        images: the file of each frame.
        stems: the name of each frame.
        truths: the file of the truth by frame; None where the layout has no truth at all.
        decode: reads the file of a frame, see `TestScene.read_frame`.

    Raises:
        InputError: a file is missing, the exposures do not fit, the scene is shorter than a
            window, or none of the frames that are measured has a truth. Later, from the
            scene's readers: a picture is damaged or of another size than the first frame.
    """
    ev = read_cycle(folder / "Exposures.txt", exposures)
    files = [folder / image for image in images]
    light = {index: folder / file for index, file in (truths or {}).items()}
    for file in (*files, *light.values()):
        if not file.is_file():
            raise InputError(f"{file} is missing", expected=f"every file that {listing} asks for")
    window = WINDOWS[exposures].frames
    if len(files) < window:
        raise InputError(
            f"{listing} has {len(files)} frames",
            expected=f"at least {window}, a window of {exposures} exposures",
        )
    measured = tuple(index for index in measurable(len(files), exposures) if index in light)
    if truths is not None and not measured:
        raise InputError(
            f"{listing}: none of {len(files)} frames can be measured",
            expected=f"a truth for one that is not among the first or last {exposures}",
        )

    @functools.cache
    def size() -> tuple[int, ...]:
        return decode(files[0]).shape

    def checked(picture: Picture, file: Path) -> Picture:
        if picture.shape != size():
            (height, width, _), (rows, columns, _) = picture.shape, size()
            raise InputError(
                f"{file} is {width}x{height}", expected=f"{columns}x{rows}, as {files[0]} is"
            )
        return picture

    def frame(index: int) -> Picture:
        return checked(decode(files[index]), files[index])

    def truth(index: int) -> Picture | None:
        file = light.get(index)
        return checked(read_truth(file), file) if file else None

    return TestScene(
        name=name,
        ev=ev,
        stems=tuple(stems),
        read_frame=frame,
        read_truth=truth,
        measured=measured,
    )
