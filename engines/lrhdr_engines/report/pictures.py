"""Pictures inside the page."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

_LONGEST = 960  # pixels
_QUALITY = 82


def smaller(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most 960 pixels wide and high."""
    height, width = picture.shape[:2]
    factor = _LONGEST / max(height, width)
    if factor >= 1:
        return picture
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def data_uri(picture: NDArray[np.uint8]) -> str:
    """(H, W, 3) RGB as a JPEG that an <img> takes."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
