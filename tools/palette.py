"""Makes a picture small: a PNG of at most 256 colours, which a browser chooses."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

# One by one, the colour that would be missed most, by how often it is there and how far from those
# that stay; each other becomes the nearest of them.
CHOOSE: Final = """async (png) => {
    const image = await createImageBitmap(await (await fetch(png)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const drawing = canvas.getContext("2d");
    drawing.drawImage(image, 0, 0);
    const seen = new Uint32Array(drawing.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const colour of seen) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
    const colours = [...counts].map(([colour, count]) => (
        { colour, count, parts: parts(colour), off: Infinity, nearest: 0 }
    ));
    const missed = (one) => one.off * one.count;
    const distance = (one, other) =>
        one.reduce((sum, part, at) => sum + (part - other[at]) ** 2, 0);
    const palette = [];
    for (let at = 0; at < 256; at += 1) {
        const next = colours.reduce((most, one) => (missed(one) > missed(most) ? one : most));
        if (next.off === 0) break;
        palette.push(next.parts);
        for (const one of colours) {
            const off = distance(one.parts, next.parts);
            if (off < one.off) Object.assign(one, { off, nearest: at });
        }
    }
    const place = new Map(colours.map((one) => [one.colour, one.nearest]));
    const chosen = Uint8Array.from(seen, (colour) => place.get(colour));
    const reader = new FileReader();
    const read = new Promise((resolve) => { reader.onload = () => resolve(reader.result); });
    reader.readAsDataURL(new Blob([chosen]));
    return [image.width, image.height, palette.flat(), (await read).split(",")[1]];
}"""


def shrink(page: Page, png: bytes, place: Path) -> int:
    """Store a picture in few colours; returns its bytes. `page` is an empty one."""
    address = "data:image/png;base64," + base64.b64encode(png).decode()
    width, height, palette, chosen = page.evaluate(CHOOSE, address)
    points = base64.b64decode(chosen)
    rows = (b"\0" + points[at : at + width] for at in range(0, len(points), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits a point, by palette
    parts = (
        _chunk(b"IHDR", head),
        _chunk(b"PLTE", bytes(palette)),
        _chunk(b"IDAT", zlib.compress(b"".join(rows), 9)),
        _chunk(b"IEND", b""),
    )
    return place.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
