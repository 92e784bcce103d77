"""Goldens/masks: what pycocotools makes of masks, run-length text and polygons.

`manifest.json` alone. Kinds of cases:
- `bitmap`: random pixels (their runs, column by column), the compressed text, area and box.
- `polygon`: one or several polygons, and the text of their union: inside, across and outside of the picture, with
  repeated points, crossing themselves, on whole and half pixels, below 0.
- `overlap`: texts of detections and truths, which truths are crowds, and the matrix of `iou`; and union and
  intersection of the first two.
"""

import numpy as np
from common import output_folder, write_manifest
from pycocotools import mask as coco

SEED = 12


def text(rle):
    return rle["counts"].decode()


def runs(pixels):
    flat = pixels.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return ([0] if flat[0] else []) + counts


def bitmaps(rng):
    cases = []
    for number in range(24):
        height, width = (int(n) for n in rng.integers(1, 40, 2))
        if number % 3 == 0:
            pixels = rng.integers(0, 2, (height, width))
        elif number % 3 == 1:
            y, x = np.mgrid[0:height, 0:width]
            pixels = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (min(height, width) / 2) ** 2
        else:
            pixels = np.full((height, width), number % 2)
        pixels = np.asfortranarray(pixels.astype(np.uint8))
        rle = coco.encode(pixels)
        cases.append(
            {
                "name": f"bitmap-{number}",
                "kind": "bitmap",
                "size": [height, width],
                "counts": runs(pixels),
                "text": text(rle),
                "area": int(coco.area(rle)),
                "box": coco.toBbox(rle).tolist(),
            }
        )
    # Counts of more than one, two and three characters.
    for number, (height, width, start, count) in enumerate([(700, 900, 33, 40_000), (2000, 3000, 1_200_345, 4_000_000)]):
        pixels = np.zeros(height * width, np.uint8)
        pixels[start : start + count] = 1
        rle = coco.encode(np.asfortranarray(pixels.reshape((height, width), order="F")))
        cases.append(
            {
                "name": f"bitmap-large-{number}",
                "kind": "bitmap",
                "size": [height, width],
                "counts": [start, count, height * width - start - count],
                "text": text(rle),
                "area": int(coco.area(rle)),
                "box": coco.toBbox(rle).tolist(),
            }
        )
    return cases


def polygons(rng):
    cases = []
    for number in range(160):
        height, width = (int(n) for n in rng.integers(1, 60, 2))
        parts = []
        for _ in range(1 + number % 3):
            count = int(rng.integers(3, 12))
            spread = [1, 1.6, 4][number % 3 if number % 2 else 0]
            points = rng.random((count, 2)) * [width, height] * spread
            points -= np.array([width, height]) * (spread - 1) / 2
            if number % 4 == 0:
                points = np.round(points)
            elif number % 4 == 1:
                points = np.round(points * 2) / 2
            elif number % 4 == 2:
                points = np.round(points, 2)
            if number % 5 == 0:
                points[1] = points[0]
            if number % 7 == 0:
                points[2, 0] = points[1, 0]
            parts.append(points.flatten().tolist())
        rle = coco.merge(coco.frPyObjects(parts, height, width))
        cases.append(
            {
                "name": f"polygon-{number}",
                "kind": "polygon",
                "size": [height, width],
                "polygons": parts,
                "text": text(rle),
            }
        )
    return cases


def overlaps(rng):
    cases = []
    for number in range(8):
        height, width = (int(n) for n in rng.integers(4, 40, 2))

        def some(count):
            found = []
            for _ in range(count):
                y, x = rng.integers(0, height), rng.integers(0, width)
                pixels = np.zeros((height, width), np.uint8)
                pixels[y : y + rng.integers(1, height), x : x + rng.integers(1, width)] = 1
                if rng.random() < 0.3:
                    pixels &= rng.integers(0, 2, pixels.shape).astype(np.uint8)
                found.append(coco.encode(np.asfortranarray(pixels)))
            return found

        detections, truths = some(6), some(5)
        crowds = [int(c) for c in rng.integers(0, 2, 5)]
        boxes = [coco.toBbox(detections).tolist(), coco.toBbox(truths).tolist()]
        cases.append(
            {
                "name": f"overlap-{number}",
                "kind": "overlap",
                "size": [height, width],
                "detections": [text(rle) for rle in detections],
                "truths": [text(rle) for rle in truths],
                "crowds": crowds,
                "overlaps": coco.iou(detections, truths, crowds).tolist(),
                "boxes": boxes,
                "boxOverlaps": coco.iou(*boxes, crowds).tolist(),
                "union": text(coco.merge([detections[0], truths[0]])),
                "intersection": text(coco.merge([detections[0], truths[0]], intersect=True)),
            }
        )
    return cases


def main():
    rng = np.random.default_rng(SEED)
    write_manifest(
        output_folder("masks"),
        __file__,
        ["pycocotools", "numpy"],
        SEED,
        {"absolute": 1e-12},
        bitmaps(rng) + polygons(rng) + overlaps(rng),
    )


if __name__ == "__main__":
    main()
