"""Reading the plots again."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, fromstring

Point = tuple[float, float]


def hints(picture: str) -> dict[str, Element]:
    """What shows something on hovering, by that."""
    return {
        title.text or "": each
        for each in fromstring(picture).iter()
        if each.tag != "svg" and (title := each.find("title")) is not None
    }


def place(mark: Element) -> Point:
    """Where a dot is."""
    x, y = map(float, re.findall(r"-?[\d.]+", mark.attrib["d"])[:2])
    return x, y


def words(picture: str) -> list[str]:
    """All text that is drawn."""
    return [each.text or "" for each in fromstring(picture).iter("text")]
