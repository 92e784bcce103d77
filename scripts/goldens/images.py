"""Writes the small odd images of Tests/ImagingTests/Fixtures and the pixels Pillow decodes them to.

Each fixture NAME.jpg or NAME.png has beside it NAME.ppm: what Pillow's
`ImageOps.exif_transpose(image).convert("RGB")` gives (16-bit gray: its upper 8 bits; Pillow would
saturate it). Resampling references are NAME-WxH-FILTER.ppm, made with `Image.resize`.

Run with Pillow 13.0.0, torchvision 0.28.0 (numpy for the inputs):  python scripts/goldens/images.py
All randomness is from `default_rng(7)`; running it again gives the same files with the same versions.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from torchvision.transforms.v2 import functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/ImagingTests/Fixtures"
rng = np.random.default_rng(7)


def picture(width, height):
    """Smooth colours with an edge and some noise: shows swapped axes, channels and shifts."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    rgb = np.stack([255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 128 + 0 * x], -1)
    rgb[: height // 3, : width // 2] = (250, 20, 30)
    rgb[height // 2 :, width // 2 :, 2] = 10
    rgb += rng.normal(0, 12, rgb.shape)
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))


def save(name, image, **options):
    path = OUT / name
    image.save(path, **options)
    expect(path)


def expect(path, reference=None):
    if reference is None:
        with Image.open(path) as image:
            reference = ImageOps.exif_transpose(image).convert("RGB")
    reference.convert("RGB").save(path.with_suffix(".ppm"))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(name, array, depth, color, reference, extra=b""):
    """A PNG of a kind Pillow does not write; `array` is rows of packed bytes."""
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    height, width = np.asarray(reference).shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
    data += chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    (OUT / name).write_bytes(data)
    expect(OUT / name, reference)


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def interlaced(name, image):
    """Adam7, written by hand: Pillow reads it and does not write it."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    rows = b""
    for x0, y0, dx, dy in [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ]:
        part = pixels[y0::dy, x0::dx]
        if part.size:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    data = b"\x89PNG\r\n\x1a\n"
    data += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1))
    data += chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    (OUT / name).write_bytes(data)
    expect(OUT / name)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    color = picture(37, 29)
    # JPEG: chroma sampling, coding, colour spaces.
    for name, sampling in [("444", 0), ("422", 1), ("420", 2)]:
        save(f"jpeg-{name}.jpg", color, quality=90, subsampling=sampling)
    save("jpeg-progressive.jpg", color, quality=85, progressive=True)
    flat = Image.new("RGB", (512, 512), (90, 120, 200))
    flat.save(OUT / "large-progressive.jpeg", quality=10, progressive=True)
    save("jpeg-gray.jpg", color.convert("L"), quality=90)
    save("jpeg-restart.jpg", color, quality=80, restart_marker_blocks=2)
    save("jpeg-cmyk.jpg", color.convert("CMYK"), quality=92)
    ycck(color)
    save("jpeg-1x1.jpg", picture(1, 1), quality=90)
    save("jpeg-1x9.jpg", picture(1, 9), quality=90)
    save("jpeg-64x3.jpg", picture(64, 3), quality=90)
    for orientation in range(1, 9):
        save(f"exif-{orientation}.jpg", picture(19, 11), quality=90, exif=exif(orientation))
    # PNG: colour types, depths, transparency, interlacing.
    save("png-rgb.png", color)
    save("png-gray.png", color.convert("L"))
    save("png-1x1.png", picture(1, 1))
    alpha = color.copy()
    alpha.putalpha(Image.fromarray(rng.integers(0, 256, (29, 37), np.uint8)))
    save("png-rgba.png", alpha)
    save("png-la.png", alpha.convert("LA"))
    save("png-palette.png", color.quantize(17))
    save("png-palette-transparent.png", color.quantize(5), transparency=2)
    save("png-1bit.png", color.convert("1"))
    save("png-exif-6.png", picture(19, 11), exif=exif(6))
    interlaced("png-interlaced.png", picture(21, 17))
    interlaced("png-interlaced-3x2.png", picture(3, 2))
    for depth in (2, 4):
        levels = rng.integers(0, 1 << depth, (6, 16)).astype(np.uint8)
        packed = np.zeros((6, 16 * depth // 8), np.uint8)
        for i in range(16):
            packed[:, i * depth // 8] |= levels[:, i] << (8 - depth - i * depth % 8)
        gray = (levels.astype(int) * 255 // ((1 << depth) - 1)).astype(np.uint8)
        png(f"png-gray{depth}.png", packed, depth, 0, Image.fromarray(gray))
    wide = rng.integers(0, 65536, (7, 10, 3)).astype(">u2")
    png("png-rgb16.png", wide.reshape(7, -1), 16, 2, Image.fromarray((wide >> 8).astype(np.uint8)))
    png("png-gray16.png", wide[:, :, 0], 16, 0, Image.fromarray((wide[:, :, 0] >> 8).astype(np.uint8)))
    # Resampling, from one source, in both directions and across proportions.
    source = picture(53, 41)
    source.save(OUT / "resample.ppm")
    for name, filter in [("bicubic", Image.Resampling.BICUBIC), ("bilinear", Image.Resampling.BILINEAR)]:
        for size in [(53, 41), (32, 32), (16, 11), (7, 90), (120, 64), (1, 1), (53, 20)]:
            source.resize(size, filter).save(OUT / f"resample-{size[0]}x{size[1]}-{name}.ppm")
    crop = source.crop((9, 5, 40, 33)).resize((24, 24), Image.Resampling.BICUBIC)
    crop.save(OUT / "crop-9-5-31-28-to-24x24.ppm")
    color.convert("L").convert("RGB").save(OUT / "png-rgb-luma.ppm")
    # Colour changes of torchvision on the same picture.
    tensor = F.pil_to_tensor(color)
    for name, changed in [
        ("brightness-1.3", F.adjust_brightness(tensor, 1.3)),
        ("contrast-0.6", F.adjust_contrast(tensor, 0.6)),
        ("saturation-1.7", F.adjust_saturation(tensor, 1.7)),
        ("hue-0.2", F.adjust_hue(tensor, 0.2)),
    ]:
        F.to_pil_image(changed).save(OUT / f"jitter-{name}.ppm")


def ycck(image):
    """A CMYK file that is stored as YCCK: Adobe's marker with transform 2, as Photoshop writes."""
    buffer = io.BytesIO()
    image.convert("CMYK").save(buffer, "JPEG", quality=92)
    data = bytearray(buffer.getvalue())
    at = data.find(b"Adobe")
    assert at > 0, "Pillow no longer writes Adobe's marker"
    data[at + 11] = 2
    (OUT / "jpeg-ycck.jpg").write_bytes(bytes(data))
    expect(OUT / "jpeg-ycck.jpg")


if __name__ == "__main__":
    main()
