"""Writes the small odd WebP and TIFF files of Tests/ImagingTests/Fixtures and the pixels Pillow decodes them to.

Like images.py, beside which it stands: each NAME.webp or NAME.tif has a NAME.ppm with what Pillow's
`ImageOps.exif_transpose(image).convert("RGB")` gives. 16-bit gray: its upper 8 bits; Pillow would saturate it.
What Pillow does not write (planes, tiles, 2 and 4 bits, 16-bit colour, BigTIFF, an animation with an
offset) is put together here, byte by byte.

Run with Pillow 13.0.0 (libwebp 1.6.0, libtiff 4.7.2):  python scripts/goldens/image_formats.py
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from images import OUT, exif, expect, picture, rng, save

# Tags of TIFF 6.0.
WIDTH, HEIGHT, BITS, COMPRESSION, COLOR, OFFSETS, ORIENTATION = 256, 257, 258, 259, 262, 273, 274
SAMPLES, ROWS, COUNTS, PLANAR, PALETTE, EXTRA = 277, 278, 279, 284, 320, 338
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 322, 323, 324, 325
WHITE_IS_0, BLACK_IS_0, RGB, INDEXED, CMYK = 0, 1, 2, 3, 5


def tiff(name, size, parts, tags, order="<", big=False, reference=None, tiled=False):
    """A TIFF file: `parts` are its strips or tiles in order, `tags` are lists of numbers by tag.

    Numbers are written as SHORT, those that do not fit as LONG. The directory comes first, so that the
    last bytes of the file are pixels.
    """
    word = "Q" if big else "I"
    tags = {WIDTH: [size[0]], HEIGHT: [size[1]], **tags}
    where, lengths = (TILE_OFFSETS, TILE_COUNTS) if tiled else (OFFSETS, COUNTS)
    tags[where] = [0] * len(parts)
    tags[lengths] = [len(part) for part in parts]

    def layout(tags, start):
        """The directory and the values that do not fit into it, for a file of which it is at `start`."""
        entries, values = b"", b""
        after = start + struct.calcsize(order + ("Q" if big else "H")) + len(tags) * (20 if big else 12)
        after += 8 if big else 4
        for tag, numbers in sorted(tags.items()):
            wide = tag in (where, lengths) or max(numbers) > 65535
            body = struct.pack(f"{order}{len(numbers)}{'I' if wide else 'H'}", *numbers)
            entries += struct.pack(f"{order}HH{word}", tag, 4 if wide else 3, len(numbers))
            room = 8 if big else 4
            if len(body) <= room:
                entries += body.ljust(room, b"\0")
            else:
                entries += struct.pack(order + word, after + len(values))
                values += body
        count = struct.pack(order + ("Q" if big else "H"), len(tags))
        return count + entries + struct.pack(order + word, 0) + values

    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    if big:
        head += struct.pack(order + "HH", 8, 0)
    start = len(head) + (8 if big else 4)
    head += struct.pack(order + word, start)
    place = start + len(layout(tags, start))
    tags[where] = []
    for part in parts:
        tags[where].append(place)
        place += len(part)
    path = OUT / name
    path.write_bytes(head + layout(tags, start) + b"".join(parts))
    expect(path, reference)


def packed(levels, bits):
    """Rows of `bits`-bit numbers, the first in the upper bits, padded to whole bytes."""
    rows = []
    for row in levels:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8)))
    return b"".join(rows)


def strips(array, rows):
    return [array[y : y + rows].tobytes() for y in range(0, array.shape[0], rows)]


def tiles(array, side):
    """Deflated tiles, what lies beyond the picture filled with 77."""
    height, width = array.shape[:2]
    padding = ((0, -height % side), (0, -width % side)) + ((0, 0),) * (array.ndim - 2)
    whole = np.pad(array, padding, constant_values=77)
    return [
        zlib.compress(whole[y : y + side, x : x + side].tobytes(), 9)
        for y in range(0, height, side)
        for x in range(0, width, side)
    ]


def webp():
    color = picture(37, 29)
    alpha = color.copy()
    alpha.putalpha(Image.fromarray(rng.integers(0, 256, (29, 37), np.uint8)))
    save("webp-lossy.webp", color, quality=80)
    save("webp-lossless.webp", picture(21, 17), lossless=True)
    save("webp-palette.webp", color.quantize(5).convert("RGB"), lossless=True)
    save("webp-alpha.webp", alpha, quality=60, alpha_quality=30, exact=True)
    save("webp-alpha-lossless.webp", alpha.crop((0, 0, 13, 11)), lossless=True, exact=True)
    save("webp-1x1.webp", picture(1, 1), quality=90)
    save("webp-3x50.webp", picture(3, 50), quality=90)
    save("webp-exif-6.webp", picture(19, 11), quality=90, exif=exif(6))
    frames = [picture(23, 15) for _ in range(3)]
    save("webp-animated.webp", frames[0], save_all=True, append_images=frames[1:], quality=70)
    animation("webp-animated-offset.webp", (24, 16), (4, 2), picture(11, 9))


def animation(name, canvas, offset, frame):
    """One lossless frame smaller than the canvas, and a second one."""

    def chunk(kind, body):
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    def three(number):
        return struct.pack("<I", number)[:3]

    buffer = io.BytesIO()
    frame.save(buffer, "WEBP", lossless=True)
    image = buffer.getvalue()[12:]
    body = chunk(b"VP8X", bytes([2, 0, 0, 0]) + three(canvas[0] - 1) + three(canvas[1] - 1))
    body += chunk(b"ANIM", bytes([9, 99, 199, 255]) + b"\0\0")
    for x, y in (offset, (0, 0)):
        place = three(x // 2) + three(y // 2) + three(frame.width - 1) + three(frame.height - 1)
        body += chunk(b"ANMF", place + three(100) + b"\0" + image)
    (OUT / name).write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)
    expect(OUT / name)


def tiffs():
    color = picture(21, 17)
    rgb = np.asarray(color)
    gray = color.convert("L")
    # Compressions.
    save("tiff-lzw.tif", color, compression="tiff_lzw", tiffinfo={317: 2})
    save("tiff-packbits.tif", gray, compression="packbits")
    save("tiff-fax4.tif", color.convert("1"), compression="group4")
    save("tiff-fax3.tif", color.convert("1"), compression="group3")
    save("tiff-jpeg.tif", picture(37, 29), compression="jpeg", quality=85)
    save("tiff-jpeg-gray.tif", gray, compression="jpeg", quality=85)
    # Kinds of colour.
    save("tiff-palette.tif", color.quantize(17), compression="tiff_adobe_deflate")
    save("tiff-cmyk.tif", color.convert("CMYK"), compression="tiff_adobe_deflate")
    alpha = rng.integers(0, 256, (17, 21), np.uint8)
    premultiplied = (rgb.astype(int) * alpha[..., None] // 255).astype(np.uint8)
    four = np.dstack([premultiplied, alpha])
    plain = {BITS: [8] * 4, COMPRESSION: [1], COLOR: [RGB], SAMPLES: [4], ROWS: [5]}
    tiff("tiff-rgba.tif", (21, 17), strips(np.dstack([rgb, alpha]), 5), {**plain, EXTRA: [2]})
    tiff("tiff-premultiplied.tif", (21, 17), strips(four, 5), {**plain, EXTRA: [1]})
    # Depths.
    for bits in (1, 2, 4):
        levels = rng.integers(0, 1 << bits, (6, 13))
        white = (255 - levels * 255 // ((1 << bits) - 1)).astype(np.uint8)
        tags = {BITS: [bits], COMPRESSION: [1], COLOR: [WHITE_IS_0], SAMPLES: [1], ROWS: [6]}
        tiff(f"tiff-white{bits}.tif", (13, 6), [packed(levels, bits)], tags, reference=Image.fromarray(white))
    levels = rng.integers(0, 16, (6, 13))
    entries = [int(v) for v in rng.integers(0, 65536, 48)]
    tags = {BITS: [4], COMPRESSION: [1], COLOR: [INDEXED], SAMPLES: [1], ROWS: [6], PALETTE: entries}
    tiff("tiff-palette4.tif", (13, 6), [packed(levels, 4)], tags)
    wide = rng.integers(0, 65536, (7, 10, 3))
    upper = (wide >> 8).astype(np.uint8)
    tags = {BITS: [16], COMPRESSION: [1], COLOR: [BLACK_IS_0], SAMPLES: [1], ROWS: [3]}
    for order in "<>":
        name = "tiff-gray16-big-endian.tif" if order == ">" else "tiff-gray16.tif"
        one = wide[:, :, 0].astype(order + "u2")
        tiff(name, (10, 7), strips(one, 3), tags, order, reference=Image.fromarray(upper[:, :, 0]))
    tags = {BITS: [16] * 3, COMPRESSION: [1], COLOR: [RGB], SAMPLES: [3], ROWS: [7]}
    tiff("tiff-rgb16.tif", (10, 7), strips(wide.astype("<u2"), 7), tags)
    # Planes, tiles, orders of bytes, offsets of 8 bytes, turned pictures.
    tags = {BITS: [8] * 3, COMPRESSION: [1], COLOR: [RGB], SAMPLES: [3], ROWS: [17], PLANAR: [2]}
    planes = [rgb[:, :, c].tobytes() for c in range(3)]
    tiff("tiff-planar.tif", (21, 17), planes, tags, reference=color)
    inks = np.asarray(color.convert("CMYK"))
    tags = {BITS: [8] * 4, COMPRESSION: [1], COLOR: [CMYK], SAMPLES: [4], ROWS: [17], PLANAR: [2]}
    tiff("tiff-cmyk-planar.tif", (21, 17), [inks[:, :, c].tobytes() for c in range(4)], tags)
    tags = {BITS: [8] * 3, COMPRESSION: [8], COLOR: [RGB], SAMPLES: [3]}
    tags |= {TILE_WIDTH: [16], TILE_HEIGHT: [16]}
    tiff("tiff-tiles.tif", (21, 17), tiles(rgb, 16), tags, ">", tiled=True)
    parts = [tile for c in range(3) for tile in tiles(rgb[:, :, c], 16)]
    tiff("tiff-tiles-planar.tif", (21, 17), parts, {**tags, PLANAR: [2]}, tiled=True, reference=color)
    tags = {BITS: [8], COMPRESSION: [1], COLOR: [BLACK_IS_0], SAMPLES: [1], ROWS: [9]}
    tiff("tiff-big.tif", (21, 17), strips(np.asarray(gray), 9), tags, big=True)
    for orientation in (3, 6):
        small = np.asarray(picture(5, 3))
        tags = {BITS: [8] * 3, COMPRESSION: [1], COLOR: [RGB], SAMPLES: [3], ROWS: [3]}
        tags[ORIENTATION] = [orientation]
        tiff(f"tiff-orientation-{orientation}.tif", (5, 3), strips(small, 3), tags)
    save("tiff-pages.tif", color, save_all=True, append_images=[gray], compression="tiff_lzw")


if __name__ == "__main__":
    webp()
    tiffs()
