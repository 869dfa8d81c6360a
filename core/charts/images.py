"""Images in a picture: an array of pixels as one mark, whatever its size.

An image is a PNG in a data URL. Numbers below and above 0 are drawn in the colours "negative" and
"positive", the closer to 0 the more transparent, so that they suit the ground of either theme.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts.colours import colour

Array = np.ndarray

CHANNELS = {1: 0, 3: 2, 4: 6}  # of a pixel: PNG's code for grey, colour, colour and opacity
FAINT = 0.1  # opacity of 0 in a signed image, so that its edges are seen


def png(pixels: Array) -> str:
    """Return pixels (height, width, channels) of 0 to 255 as a data URL."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    header = struct.pack(">IIBBBBB", width, height, 8, CHANNELS[channels], 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    return f"data:image/png;base64,{b64encode(file).decode()}"


def photo(values: Array, low: float, high: float) -> str:
    """Return an image (height, width) or (height, width, 3), black at low and white at high."""
    shades = np.clip((values - low) / ((high - low) or 1), 0, 1)
    return png(np.rint(255 * shades.reshape(*values.shape[:2], -1)))


def signed(values: Array, largest: float) -> str:
    """Return (height, width) numbers from -largest to largest in the colours of their sign."""
    tones = np.array([_rgb("negative"), _rgb("context"), _rgb("positive")])
    strength = np.abs(values) / (largest or 1)
    sign = np.where(strength < FAINT, 0, np.sign(values)).astype(int)
    return png(np.dstack([tones[1 + sign], np.rint(255 * np.clip(strength, FAINT, 1))]))


def toned(strength: Array, meaning: str) -> str:
    """Return (height, width) numbers of 0 to 1 as opacities of the colour of a meaning."""
    tone = np.broadcast_to(_rgb(meaning), (*strength.shape, 3))
    return png(np.dstack([tone, np.rint(255 * np.clip(strength, 0, 1))]))


def _rgb(meaning: str) -> list[int]:
    return [int(colour(meaning)[start : start + 2], 16) for start in (1, 3, 5)]


def images(places: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y) -> Any:
    """Draw images in the middle of boxes, as large as they fit: rows of x, x2, y, y2 and url."""
    base = alt.Chart(pd.DataFrame(list(places))).encode(x, y, alt.X2("x2"), alt.Y2("y2"))
    return base.mark_image(smooth=False).encode(alt.Url("url:N"))
