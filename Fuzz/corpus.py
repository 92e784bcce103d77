"""Writes Fuzz/Corpus: a few tiny valid files for each target of `make fuzz`, which it starts from.

Files that begin with `found-` are not written here: each once showed a mistake and stays.

Run with Pillow 13.0.0, torch 2.13.0, safetensors 0.8.0, pycocotools 2.0.11 (see scripts/goldens/requirements.txt) and Debian's
zstd:  python Fuzz/corpus.py
"""

import base64
import gzip
import io
import json
import pathlib
import struct
import subprocess
import sys
import tarfile
import warnings
import zipfile
import zlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save as safetensors

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "scripts/goldens"))
import images  # noqa: E402

OUT = ROOT / "Fuzz/Corpus"
# Fixtures of the tests that are small and unlike each other; made by the two scripts.
FIXTURES = {
    "png": "1bit gray16 gray4 interlaced interlaced-3x2 palette-transparent rgb16 exif-6",
    "webp": "1x1 lossless palette alpha alpha-lossless exif-6 animated animated-offset",
    "tif": "big cmyk fax3 fax4 gray16-big-endian jpeg-gray lzw packbits palette4 premultiplied "
    "planar tiles tiles-planar white2 orientation-6",
}


def put(target, name, content):
    path = OUT / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pictures():
    for ending, names in FIXTURES.items():
        target = "tiff" if ending == "tif" else ending
        for name in names.split():
            file = f"{target}-{name}.{ending}"
            put(target, f"{name}.{ending}", (images.OUT / file).read_bytes())
    small = images.picture(19, 13)
    options = {"optimize": True, "quality": 60}
    put("jpeg", "420.jpg", encoded(small, subsampling=2, **options))
    put("jpeg", "422.jpg", encoded(small, subsampling=1, exif=images.exif(5), **options))
    put("jpeg", "gray.jpg", encoded(small.convert("L"), **options))
    put("jpeg", "progressive.jpg", encoded(small, progressive=True, **options))
    put("jpeg", "cmyk.jpg", encoded(small.convert("CMYK"), **options))
    put("jpeg", "restart.jpg", encoded(small, restart_marker_blocks=1, **options))


def rasters():
    """Files of the rasters' goldens that are small; made by scripts/goldens/rasters.py."""
    for path in sorted((ROOT / "Goldens/rasters/files").iterdir()):
        target = {".tif": "raster-tiff", ".npy": "raster-npy", ".png": "raster-png"}[path.suffix]
        if path.stat().st_size <= 2000:
            put(target, path.name, path.read_bytes())


def tars():
    image = encoded(images.picture(3, 2), "PNG")

    def tar(files, form):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for name, content in files:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        # Without the zeros up to 10,240 bytes.
        return buffer.getvalue().rstrip(b"\0").ljust(1, b"\0") + b"\0" * 1024

    def whole(archive):
        return archive + b"\0" * (-len(archive) % 512)

    plain = [("a/0.png", image), ("a/0.cls", b"1"), ("a/1.png", image), ("a/1.json", b'{"label": 0}')]
    long = [("l" * 120 + ".png", image), ("l" * 120 + ".cls", b"cat")]
    packed = [("0.png.gz", gzip.compress(image, mtime=0)), ("0.cls.zst", zstd(b"3"))]
    put("tar", "ustar.tar", whole(tar(plain, tarfile.USTAR_FORMAT)))
    put("tar", "gnu.tar", whole(tar(long, tarfile.GNU_FORMAT)))
    put("tar", "pax.tar", whole(tar(long, tarfile.PAX_FORMAT)))
    put("tar", "packed.tar", whole(tar(packed, tarfile.USTAR_FORMAT)))
    names, classes = b"a.pngb.jpg", b"cat\ndog"
    body = struct.pack("<2Q2I2i2I", 512, 1536 | 1 << 60, 200, 300, 0, 1, 5, 10) + names + classes
    head = b"MAEINDX1" + struct.pack("<4QI", 4096, 2, len(names), len(classes), 7)
    put("tar-index", "two.index", head + struct.pack("<I", zlib.crc32(body)) + body)
    body = struct.pack("<QIiI", 512, 200, -1, 1) + b"x"
    head = b"MAEINDX1" + struct.pack("<4QI", 1024, 1, 1, 0, 7)
    put("tar-index", "one.index", head + struct.pack("<I", zlib.crc32(body)) + body)


def zstd(content):
    return subprocess.run(["zstd", "-q", "-19", "-c"], input=content, capture_output=True, check=True).stdout


def sets():
    pixels = bytes(range(24))
    idx = b"\0\0\x08\x03" + struct.pack(">3I", 2, 3, 4) + pixels
    labels = b"\0\0\x08\x01" + struct.pack(">I", 2) + b"\x05\x00"
    for name, a, b in (
        ("plain", idx, labels),
        ("gzip", gzip.compress(idx, mtime=0), gzip.compress(labels, mtime=0)),
        ("unlabelled", idx, b""),
    ):
        put("idx", name, struct.pack(">H", len(a)) + a + b)
    record = bytes(i * 7 % 256 for i in range(3072))
    put("cifar", "ten", b"\3" + record + b"cat\n" * 10 + b"dog\n" * 10)
    put("cifar", "hundred", b"\3\x42" + record + "".join(f"{i}\n" for i in range(100)).encode())
    text = b"packed " * 40
    put("gzip", "one.gz", gzip.compress(text, mtime=0))
    put("gzip", "two-members.gz", gzip.compress(text[:50], mtime=0) + gzip.compress(b"", mtime=0))
    put("gzip", "stored.gz", gzip.compress(bytes(range(64)), 0, mtime=0))
    put("zstd", "one.zst", zstd(text))
    put("zstd", "two-frames.zst", zstd(text[:50]) + zstd(bytes(range(64))))


def weights():
    tensors = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}
    put("safetensors", "two.safetensors", safetensors(tensors, metadata={"format": "pt"}))
    put("safetensors", "none.safetensors", safetensors({}))
    states = {"state": tensors, "checkpoint": {"model": tensors, "epoch": 3, "args": ["x", 1.5, None, True]}}
    states["views"] = {"t": tensors["a.weight"].T, "e": torch.zeros(1).expand(5)}
    for name, state in states.items():
        buffer = io.BytesIO()
        torch.save(state, buffer)
        put("pth", f"{name}.pth", buffer.getvalue())
        with zipfile.ZipFile(io.BytesIO(buffer.getvalue())) as archive:
            pickle = next(entry for entry in archive.namelist() if entry.endswith("data.pkl"))
            put("pickle", f"{name}.pkl", archive.read(pickle))
    for name, method, content in (("stored", 0, b"abc"), ("deflated", 8, b"a" * 50)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr(zipfile.ZipInfo("x/data.pkl"), content, method)
            archive.writestr(zipfile.ZipInfo("y"), b"")
        put("zip", f"{name}.zip", buffer.getvalue())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(zipfile.ZipInfo("wide"), "w", force_zip64=True) as f:
        f.write(b"12345678")
    put("zip", "zip64.zip", buffer.getvalue())
    arrays = {
        "float": np.arange(6, dtype="<f4").reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6, dtype="<i2").reshape(2, 3)),
        "flags": np.array([True, False]),
        "scalar": np.float64(1),
        "record": np.zeros(1, dtype=[("a", "<i4")]),
    }
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        put("npy", f"{name}.npy", buffer.getvalue())


def folders():
    """Steps of FolderTargets.swift: 0 NAME goes into a folder, 1 back, 2 NAME ENDING writes an image, ..."""
    a, b, train, val, png, txt, cls = 9, 10, 0, 2, 2, 4, 10
    put("folders", "classes", bytes([0, a, 2, b, png, 1, 0, b, 2, b, png, 1, 0, 5, 2, a, png]))
    put("folders", "divided", bytes([0, train, 0, a, 2, b, png, 1, 0, val, 0, a, 2, b, png, 1, 2, a, png]))
    put("folders", "list", bytes([2, a, png, 4, b, txt, 9]) + b"a.PNG\tcat")
    put("folders", "values", bytes([2, a, png, 4, b, 5, 19]) + b"image,label\na.PNG,1")
    put("folders", "shard", bytes([5, train, 2, a, png, 0, 1, a, cls, 1, 1]) + b"1" + bytes([1, 2]))
    put("folders", "names", bytes([0, 6, 2, a, png, 1, 0, 7, 2, a, png, 1, 0, 22, 2, 23, png, 6, a, b, png]))


def masks():
    """Inputs of MaskTargets.swift."""
    from pycocotools import mask as coco

    y, x = np.mgrid[0:20, 0:30]
    disc = np.asfortranarray(((x - 14) ** 2 + (y - 9) ** 2 < 60).astype(np.uint8))
    put("rle", "disc", bytes([29, 19]) + coco.encode(disc)["counts"])
    put("rle", "empty", bytes([29, 19]) + coco.encode(disc * 0)["counts"])
    put("rle", "counts", bytes([2, 2, 1, 3, 5]))
    points = [10, 10, 150, 20, 120, 100, 60, 130, 5, 70]
    put("polygon", "five", bytes([30, 20, 0, 10]) + struct.pack(">10h", *points))
    put("polygon", "two", bytes([30, 20, 0, 6]) + struct.pack(">6h", *points[:6]) + bytes([8]) + struct.pack(">8h", *points[2:]))
    put("polygon", "doubles", bytes([30, 20, 1, 6]) + struct.pack(">6d", 1.5, -2, 300, 4, 7, 1e9))
    labels = ((x // 7 + y // 5) % 6).astype(np.uint8)

    def png(name, image, **options):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", **options)
        put("label-png", name, buffer.getvalue())

    png("gray", Image.fromarray(labels))
    palette = Image.fromarray(labels, "P")
    palette.putpalette(bytes(range(18)))
    png("palette", palette)
    png("palette-2bit", palette, bits=4)
    png("wide", Image.fromarray((labels.astype(np.uint16) * 20)))
    png("colours", Image.fromarray(np.stack([labels] * 3, -1)))
    put("class-table", "csv", b"id,name,red,green,blue\n0,road,128,64,0\n1,sky,0,0,0\n2,void,255,255,255\n")
    put("class-table", "txt", b"ground\ntree\n")
    put("class-table", "info", b"Idx\tRatio\tTrain\tVal\tName\n1\t0.1\t5\t6\twall\n2\t0.1\t5\t6\tbuilding, edifice\n")
    rle = coco.encode(disc)
    annotations = [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 9, 8.5], "area": 4, "iscrowd": 0, "segmentation": [[1, 2, 10, 2, 10, 10.5, 1, 9]]},
        {"id": 2, "image_id": 7, "category_id": 1, "bbox": [7, 2, 15, 15], "iscrowd": 1, "segmentation": {"size": [20, 30], "counts": [200, 300, 100]}},
        {"id": 3, "image_id": 8, "category_id": 1, "bbox": [7, 2, 15, 15], "segmentation": {"size": [20, 30], "counts": rle["counts"].decode()}},
    ]
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 30, "height": 20} for i in (7, 8)]
    categories = [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}]
    put("coco", "all", json.dumps({"info": {"a": None}, "images": images, "annotations": annotations, "categories": categories}).encode())
    put("coco", "strings", json.dumps({"images": [{"id": "7", "file_name": "\u00e9"}], "annotations": [], "categories": []}).encode())
    head = bytes([29, 19, 2])
    put("yolo", "boxes", head + b"0 0.5 0.5 0.25 0.4\n2 0.1 0.9 0.2 0.2\n")
    put("yolo", "polygons", head + b"1 0.1 0.1 0.9 0.2 0.5 0.8\n0 0 0 1 0 1 1 0 1 0.5 0.5\n")
    put("yolo", "names", head + b"path: x\nnames:\n  0: cat\n  1: dog\n")
    put("yolo", "list", head + b"nc: 2\nnames: [cat, 'y']\n")


def requests():
    """A line with the content type, one with the address's parameters, and the body."""
    image = encoded(images.picture(3, 2), "PNG")
    name = b'Content-Disposition: form-data; name='
    parts = [(name + b'"ratio"', b"0.25"), (name + b'hidden', b"1, 2"), (name + b'"image"; filename="a\\"b.png"\r\nContent-Type: image/png', image)]
    form = b"".join(b"--b\r\n%s\r\n\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"
    text = base64.b64encode(image).decode()

    def request(name, kind, query, body):
        put("request", name, kind + b"\n" + query + b"\n" + body)

    request("form", b"multipart/form-data; boundary=b", b"seed=3", form)
    request("quoted", b'Multipart/Form-Data; charset="x;y"; boundary="b"', b"", form)
    request("json", b"application/json", b"", json.dumps(
        {"image": text, "hidden": [1, 2], "ratio": 0.5, "seed": 7, "prepared": True, "model": None, "pictures": ["original"]}).encode())
    request("nested", b"application/json", b"", b'{"image": "", "x": {"y": [1e400, -0, "\\ud83d"]}}')
    request("bytes", b"image/png", b"ratio=0.5&strategy=block&pictures=original,visible&prepared=false", image)
    request("octets", b"application/octet-stream", b"hidden=1,2&hidden=3", image)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    pictures()
    rasters()
    tars()
    sets()
    folders()
    weights()
    masks()
    requests()
