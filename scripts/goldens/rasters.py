"""Goldens/rasters: what tifffile, NumPy and imagecodecs read from small odd files of many channels.

`files/` has the files. `values.safetensors`: `<file>` float32 [C, H, W], the samples of each: those of a
TIFF file are what `tifffile.imread` returns, pages first, of an `.npy` file what `numpy.load` returns, of a
PNG file what `imagecodecs.imread` returns. Numbers of 32 bits and floats of 64 are rounded to float32.
Where a page names a number for missing values (GDAL's tag 42113), values that equal it are NaN. `resized.safetensors`: `<case>` float32 [H, W], a plane cropped and resized by Pillow in mode F.
`linear.safetensors`: `<width>x<height>` float32 [H, W], the same plane by OpenCV's INTER_LINEAR.
The manifest lists the type, size and channels of each file, what `numpy.percentile` gives of its first
channel, and the arguments of each resizing.
"""

import json
import pathlib
import sys

import cv2
import imagecodecs
import numpy as np
import tifffile
from PIL import Image
from safetensors.numpy import save_file

rng = np.random.default_rng(15)
# Of the files that came later, so that those before keep their values.
later = np.random.default_rng(16)


def samples(shape, dtype, rng=rng):
    """Values over the whole range of a type, in which no two places are alike."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return (rng.normal(0, 300, shape)).astype(dtype)
    info = np.iinfo(dtype)
    native = dtype.newbyteorder("=")
    return rng.integers(info.min, info.max, shape, dtype=native, endpoint=True).astype(dtype)


def planes(array, pages=False):
    """[H, W], [H, W, C] or, of pages, [P, H, W] and [P, H, W, C] as float32 [C, H, W]."""
    if array.ndim == 2:
        array = array[None]
    elif pages:
        array = array.transpose(0, 3, 1, 2).reshape(-1, *array.shape[1:3]) if array.ndim == 4 else array
    else:
        array = array.transpose(2, 0, 1)
    return np.ascontiguousarray(array, dtype=np.float32)


def tiffs(folder):
    def write(name, array, **options):
        options = {"metadata": None, "software": False, "photometric": "minisblack", **options}
        tifffile.imwrite(folder / name, array, **options)

    u16 = samples((9, 7, 13), "u2")
    write("u16-contig.tif", u16, planarconfig="contig", rowsperstrip=2)
    write("u16-planar.tif", u16.transpose(2, 0, 1), planarconfig="separate", rowsperstrip=4)
    tiled = samples((19, 21, 5), "u2")
    write("u16-tiles.tif", tiled, planarconfig="contig", tile=(16, 16), compression="deflate")
    write("u16-planar-tiles.tif", tiled.transpose(2, 0, 1), planarconfig="separate", tile=(16, 16))
    write("u8-lzw.tif", samples((6, 8, 5), "u1"), planarconfig="contig", compression="lzw", predictor=2)
    write("f32-predicted.tif", samples((6, 8, 4), "f4"), planarconfig="contig", compression="deflate",
          predictor=3, byteorder=">")
    missing = samples((6, 8, 3), "f4")
    missing[1, 2, 1] = np.nan
    missing[3, 3, 1] = np.nan
    missing[0, 7, 2] = np.inf
    write("f32-missing.tif", missing, planarconfig="contig")
    write("i16-planar-big-endian.tif", samples((2, 5, 4), "i2"), planarconfig="separate", byteorder=">")
    for name, dtype in [("f16", "f2"), ("f64", "f8"), ("u32", "u4"), ("i32", "i4"), ("i8", "i1")]:
        write(f"{name}.tif", samples((4, 5), dtype), byteorder=">" if name == "f64" else "<")
    write("u16-pages.tif", samples((6, 5, 7), "u2"))
    write("u8-rgb-pages.tif", samples((3, 5, 4, 3), "u1"), photometric="rgb")
    write("big.tif", samples((4, 5, 4), "u2"), planarconfig="contig", bigtiff=True)
    write("zstd.tif", samples((8, 9, 6), "u2"), planarconfig="contig", compression="zstd")
    write("rgba16.tif", samples((4, 5, 4), "u2"), photometric="rgb", extrasamples=["unassalpha"])
    write("white-is-zero.tif", samples((4, 5), "u1"), photometric="miniswhite")
    write("palette.tif", samples((4, 5), "u1"), photometric="palette",
          colormap=samples((3, 256), "u2"))
    whole = samples((8, 6, 4), "u2")
    options = {"metadata": None, "software": False, "photometric": "minisblack", "planarconfig": "contig"}
    with tifffile.TiffWriter(folder / "u16-pyramid.tif") as file:
        file.write(whole, **options)
        file.write(whole[::2, ::2], subfiletype=1, **options)
    with tifffile.TiffWriter(folder / "pages-differ.tif") as file:
        file.write(whole, **options)
        file.write(whole[::2, ::2], **options)
    found = {}
    for path in sorted(path for path in folder.glob("*.tif") if path.name not in LATER):
        with tifffile.TiffFile(path) as file:
            if path.name in ("u16-pyramid.tif", "pages-differ.tif"):
                found[path.name] = file.pages[0].asarray().transpose(2, 0, 1)
            elif len(file.pages) > 1:
                found[path.name] = planes(file.asarray(), pages=True)
            else:
                page = file.pages[0].asarray()
                separate = file.pages[0].planarconfig == 2 and page.ndim == 3
                found[path.name] = page if separate else planes(page)
    return found


def arrays(folder):
    cases = {
        "u16-hwc.npy": samples((6, 7, 13), "<u2"),
        "u16-chw.npy": samples((5, 6, 7), "<u2"),
        "f32-big-endian.npy": samples((6, 7, 3), ">f4"),
        "i16-fortran.npy": np.asfortranarray(samples((6, 7, 4), "<i2")),
        "f64-chw-fortran.npy": np.asfortranarray(samples((2, 6, 7), "<f8")),
        "u8-hw.npy": samples((6, 7), "u1"),
        "u32.npy": samples((3, 4, 2), "<u4"),
        "f16.npy": samples((3, 4), "<f2"),
    }
    found = {}
    for name, array in cases.items():
        np.save(folder / name, array)
        array = np.load(folder / name)
        found[name] = array if "chw" in name else planes(array)
    return found


def pngs(folder):
    found = {}
    for name, channels in [("gray", 1), ("gray-alpha", 2), ("rgb", 3), ("rgba", 4)]:
        for bits in (8, 16):
            shape = (5, 6) if channels == 1 else (5, 6, channels)
            path = folder / f"{name}-{bits}.png"
            path.write_bytes(imagecodecs.png_encode(samples(shape, f"u{bits // 8}")))
            found[path.name] = planes(imagecodecs.imread(path))
    return found


# TIFF files in a byte order, layout or packing that those of `tiffs` do not have: type, shape [C, H, W],
# options.
ODD = {
    "odd-big-planar-tiles.tif": ("u2", (3, 19, 21), {
        "planarconfig": "separate", "tile": (16, 16), "bigtiff": True, "byteorder": ">",
        "compression": "deflate", "predictor": 2}),
    "odd-f32-planar-tiles.tif": ("f4", (2, 17, 18), {
        "planarconfig": "separate", "tile": (16, 16), "compression": "deflate", "predictor": 3}),
    "odd-f64-predicted.tif": ("f8", (2, 6, 8), {
        "planarconfig": "contig", "compression": "lzw", "predictor": 3, "byteorder": ">"}),
    "odd-f16-predicted.tif": ("f2", (3, 6, 8), {
        "planarconfig": "contig", "compression": "deflate", "predictor": 3}),
    "odd-u32-predicted.tif": ("u4", (2, 6, 8), {
        "planarconfig": "contig", "compression": "lzw", "predictor": 2, "byteorder": ">"}),
    "odd-i16-planar-strips.tif": ("i2", (4, 9, 7), {
        "planarconfig": "separate", "rowsperstrip": 2, "compression": "packbits", "byteorder": ">"}),
}

# The numbers for missing values that the pages of a file name, as text; None for a page that names none.
NO_DATA = {
    "no-data-i16.tif": ("i2", ["-9999"]),
    "no-data-u8.tif": ("u1", ["0"]),
    "no-data-f32.tif": ("f4", ["-3.4028234663852886e+38"]),
    "no-data-nan.tif": ("f4", ["nan"]),
    "no-data-beyond.tif": ("u2", ["-9999"]),
    "no-data-spaces.tif": ("u2", [" 7 "]),
    "no-data-pages.tif": ("u1", ["0", "255", None]),
}
LATER = {*ODD, *NO_DATA}


def odd_tiffs(folder):
    found = {}
    common = {"metadata": None, "software": False, "photometric": "minisblack"}
    for name, (dtype, shape, options) in ODD.items():
        array = samples(shape, dtype, later)
        if options["planarconfig"] == "contig":
            array = np.ascontiguousarray(array.transpose(1, 2, 0))
        tifffile.imwrite(folder / name, array, **common, **options)
        page = tifffile.imread(folder / name)
        found[name] = page if options["planarconfig"] == "separate" else planes(page)
    for name, (dtype, texts) in NO_DATA.items():
        with tifffile.TiffWriter(folder / name) as file:
            for text in texts:
                array = samples((5, 6), dtype, later)
                if text:
                    array[1, 2:4] = 7 if name == "no-data-beyond.tif" else np.float64(text)
                tags = [(42113, "s", 0, text, True)] if text else []
                file.write(array, extratags=tags, **common)
        with tifffile.TiffFile(folder / name) as file:
            pages = []
            for page, text in zip(file.pages, texts):
                array = page.asarray()
                values = array.astype(np.float32)
                if text:
                    # As GDAL compares them; tifffile reads the tag too, but -3.4e38 is not castable to it.
                    values[array.astype(np.float64) == float(text)] = np.nan
                    if name not in ("no-data-f32.tif", "no-data-nan.tif", "no-data-beyond.tif"):
                        assert float(text) == page.nodata, (name, page.nodata)
                pages.append(values)
            found[name] = np.stack(pages)
    return found


def odd_arrays(folder):
    cases = {
        "odd-u16-big-endian.npy": samples((3, 6, 7), ">u2", later),
        "odd-u16-big-endian-fortran.npy": np.asfortranarray(samples((6, 7, 4), ">u2", later)),
        "odd-i32-big-endian-fortran.npy": np.asfortranarray(samples((2, 6, 7), ">i4", later)),
    }
    for name, array in cases.items():
        np.save(folder / name, array)
    # A header of NumPy's second and third version.
    for version in (2, 3):
        cases[f"odd-version-{version}.npy"] = array = samples((2, 3, 4), "<i1", later)
        with open(folder / f"odd-version-{version}.npy", "wb") as file:
            np.lib.format.write_array(file, array, version=(version, 0))
    loaded = {name: np.load(folder / name) for name in cases}
    return {name: planes(array) if array.shape[2] == 4 and array.shape[0] > 4 else array
            for name, array in loaded.items()}


RESIZED = [  # (left, top, width, height), (width, height), filter
    ((0, 0, 40, 30), (16, 16), "bicubic"),
    ((3, 5, 20, 17), (24, 24), "bicubic"),
    ((1, 1, 33, 27), (7, 19), "bilinear"),
    ((0, 0, 40, 30), (40, 30), "bicubic"),
    ((39, 29, 1, 1), (5, 5), "bicubic"),
    ((2, 0, 38, 30), (60, 11), "bilinear"),
]


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "Goldens") / "rasters"
    files = out / "files"
    files.mkdir(parents=True, exist_ok=True)
    values = {**tiffs(files), **arrays(files), **pngs(files)}
    values = {**values, **odd_tiffs(files), **odd_arrays(files)}
    entries = []
    for name, array in values.items():
        array = np.ascontiguousarray(array, dtype=np.float32)
        values[name] = array
        finite = array[0][np.isfinite(array[0])]
        entries.append({
            "name": name, "channels": array.shape[0], "height": array.shape[1],
            "width": array.shape[2], "missing": [int((~np.isfinite(p)).sum()) for p in array],
            "percentiles": [float(np.percentile(finite.astype(np.float64), q)) for q in (0, 2, 50, 98, 100)],
        })
    save_file(values, out / "values.safetensors")
    plane = (rng.normal(20_000, 6_000, (30, 40))).astype(np.float32)
    resized, cases = {"plane": plane}, []
    for number, ((left, top, width, height), size, kind) in enumerate(RESIZED):
        image = Image.fromarray(plane).crop((left, top, left + width, top + height))
        kernel = getattr(Image.Resampling, kind.upper())
        resized[f"{number}"] = np.asarray(image.resize(size, kernel))
        cases.append({
            "name": f"{number}", "left": left, "top": top, "width": width, "height": height,
            "columns": size[0], "rows": size[1], "filter": kind,
        })
    save_file(resized, out / "resized.safetensors")
    sizes = [(40, 30), (20, 15), (16, 16), (53, 61), (7, 1), (80, 11)]
    linear = {f"{w}x{h}": cv2.resize(plane, (w, h), interpolation=cv2.INTER_LINEAR) for w, h in sizes}
    save_file(linear, out / "linear.safetensors")
    manifest = {
        "script": "scripts/goldens/rasters.py", "tifffile": tifffile.__version__,
        "imagecodecs": imagecodecs.__version__, "numpy": np.__version__, "pillow": Image.__version__, "opencv": cv2.__version__,
        "files": entries, "resized": cases,
        "tolerance": {"absolute": 0, "relative": 2e-6},
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
