"""Goldens/jitter: what large-scale jitter makes of pictures and polygons.

`jitter.safetensors`: `picture` uint8 [H, W, 3], `polygons`, and for each case of the manifest its `square` uint8
[S, S, 3] and `boxes` float64 [objects, 4] (edges; NaN where nothing is left). Sizes and places are computed here
by the rules of detectron2's ResizeScale, FixedSizeCrop and flips, as no package has them: the longer side
becomes side · scale, sides are rounded half to even; the crop begins at round(max(0, side of the picture − side)
· u), one u for both axes; ViTDet's form mirrors first and fills up with one colour what is not the picture's,
Table 4's (MIMDet) fills up with 128 and then mirrors all of it. Pillow resizes (bilinear, which averages where
it makes smaller). Boxes are those of polygons cut by the square's part with the picture.
`sizes` of the manifest: the same rules for large pictures, numbers alone.
"""

import numpy as np
import torch
from common import output_folder, write, write_manifest
from PIL import Image

SEED = 23
WIDTH, HEIGHT, SIDE = 46, 31, 32
FILL = (124, 116, 104)
POLYGONS = [[5, 4, 21, 4, 21, 19, 5, 19], [30, 2, 44, 15, 26, 28, 19, 11], [1, 24, 12, 30.5, 3, 30.5], [40, 20, 45, 20, 45, 30, 40, 30]]
DRAWS = [(1.0, 0.5, False), (0.4, 0.3, False), (0.4, 0.9, True), (1.37, 0.0, True), (1.9, 0.62, False), (2.0, 1.0, True), (0.11, 0.5, True)]


def geometry(width, height, side, scale, u):
    factor = min(side * scale / width, side * scale / height)
    size = tuple(max(1, int(np.rint(length * factor))) for length in (width, height))
    return size, tuple(int(np.rint(max(0, length - side) * u)) for length in size)


def square(picture, scale, u, flip, gray):
    (width, height), (x, y) = geometry(picture.width, picture.height, SIDE, scale, u)
    if flip and not gray:
        picture = picture.transpose(Image.FLIP_LEFT_RIGHT)
    picture = picture.resize((width, height), Image.BILINEAR)
    picture = picture.crop((x, y, min(width, x + SIDE), min(height, y + SIDE)))
    whole = Image.new("RGB", (SIDE, SIDE), (128, 128, 128) if gray else FILL)
    whole.paste(picture, (0, 0))
    return whole.transpose(Image.FLIP_LEFT_RIGHT) if flip and gray else whole


def clipped(points, inside):
    """Sutherland and Hodgman: each side in turn."""
    for axis, bound, sign in ((0, 0, 1), (0, inside[0], -1), (1, 0, 1), (1, inside[1], -1)):
        result = []
        for a, b in zip([points[-1]] + points[:-1], points) if points else []:
            first, second = sign * (a[axis] - bound), sign * (b[axis] - bound)
            if first * second < 0:
                share = first / (first - second)
                result.append(tuple(p + (q - p) * share for p, q in zip(a, b)))
            if second >= 0:
                result.append(b)
        points = result
    return points


def box(polygon, scale, u, flip, gray):
    (width, height), (x, y) = geometry(WIDTH, HEIGHT, SIDE, scale, u)
    points = [(polygon[i], polygon[i + 1]) for i in range(0, len(polygon), 2)]
    if flip and not gray:
        points = [(WIDTH - px, py) for px, py in points]
    points = [(px * width / WIDTH - x, py * height / HEIGHT - y) for px, py in points]
    points = clipped(points, (min(SIDE, width - x), min(SIDE, height - y)))
    if flip and gray:
        points = [(SIDE - px, py) for px, py in points]
    if len(points) < 3:
        return [float("nan")] * 4
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    if max(xs) - min(xs) <= 1e-5 or max(ys) - min(ys) <= 1e-5:
        return [float("nan")] * 4
    return [min(xs), min(ys), max(xs), max(ys)]


def main():
    folder = output_folder("jitter")
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.stack([5 * x, 255 - 7 * y, 120 + 90 * np.sin(x / 2) * np.cos(y / 3)], -1)
    pixels[6:14, 20:33] = (250, 20, 40)
    pixels = np.clip(np.rint(pixels + rng.normal(0, 8, pixels.shape)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    tensors = {"picture": torch.from_numpy(pixels)}
    cases = []
    for gray in (False, True):
        for scale, u, flip in DRAWS:
            name = f"{'gray' if gray else 'zero'}-{len(cases) % len(DRAWS)}"
            tensors[f"{name}.square"] = torch.from_numpy(np.array(square(picture, scale, u, flip, gray)))
            boxes = [box(polygon, scale, u, flip, gray) for polygon in POLYGONS]
            tensors[f"{name}.boxes"] = torch.tensor(boxes, dtype=torch.float64)
            cases.append({"name": name, "scale": scale, "place": u, "flip": flip, "gray": gray})
    sizes = []
    for width, height in ((640, 480), (427, 640), (1024, 1024), (3000, 17), (500, 333)):
        for scale in (0.1, 0.37, 1.0, 1.23, 2.0):
            u = round(float(rng.random()), 6)
            size, place = geometry(width, height, 1024, scale, u)
            sizes.append({"source": [width, height], "scale": scale, "place": u, "size": size, "crop": place})
    write(folder / "jitter.safetensors", tensors)
    write_manifest(
        folder,
        __file__,
        ["pillow", "numpy", "safetensors"],
        SEED,
        {"absolute": 1e-5},
        cases,
        side=SIDE,
        fill=list(FILL),
        polygons=POLYGONS,
        sizes=sizes,
        notes=["pixels: Pillow's; sizes, places and boxes by the rules of detectron2 and MIMDet, computed here"],
    )


if __name__ == "__main__":
    main()
