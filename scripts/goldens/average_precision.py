"""Goldens/average-precision: all of pycocotools' numbers on random detections.

`<case>-truth.json` and `<case>-results.json` are what `mae detect score` reads: equal scores, crowds, pictures
without objects or without detections, categories with gaps and one without true objects, pictures out of order,
more than 100 detections of a class on a picture, boxes without an extent, polygons, run lengths of both forms.
`<case>.safetensors`: `precision` [T, R, K, 6] and `recall` [T, K, 6] float64, where the six are
the areas all, small, medium, large at 100 detections, then all at 1 and at 10. The manifest has the twelve numbers.
Ids of objects begin at 1: pycocotools takes one of id 0 that it has matched for unmatched (cocoapi PR 332).
"""

import contextlib
import io
import json

import numpy as np
import torch
from common import output_folder, write, write_manifest
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SEED = 14
CASES = [("ties", "bbox", 30), ("crowded", "bbox", 12), ("masks", "segm", 16), ("few", "bbox", 3)]
CELLS = [(0, 2), (1, 2), (2, 2), (3, 2), (0, 0), (0, 1)]


def box(rng, width, height):
    x, y = rng.random() * width * 0.8, rng.random() * height * 0.8
    w, h = rng.random() * (width - x), rng.random() * (height - y)
    return [round(float(v), 2) for v in (x, y, w, h)]


def moved(rng, truth, amount):
    shift = rng.normal(0, amount, 4) * np.array([truth[2], truth[3], truth[2], truth[3]])
    result = np.array(truth) + shift
    return [round(float(v), 2) for v in (result[0], result[1], abs(result[2]), abs(result[3]))]


def pixels(rng, box, width, height):
    x, y, w, h = (int(round(v)) for v in box)
    mask = np.zeros((height, width), np.uint8)
    mask[y : y + max(1, h), x : x + max(1, w)] = 1
    if rng.random() < 0.3:
        mask &= (rng.random(mask.shape) < 0.8).astype(np.uint8)
    return np.asfortranarray(mask)


def encoded(mask):
    rle = coco.encode(mask)
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def uncompressed(mask):
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": ([0] if flat[0] else []) + counts}


def files(rng, name, kind, count):
    categories = [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}, {"id": 12, "name": "none"}]
    ids = rng.permutation(np.arange(1, 4 * count))[:count]
    images, annotations, results = [], [], []
    for number, image in enumerate(ids):
        image = int(image)
        size = (60, 50) if kind == "segm" else (400, 300)
        images.append({"id": image, "file_name": f"{image}.jpg", "width": size[0], "height": size[1]})
        truths = 0 if number % 5 == 4 else int(rng.integers(1, 6))
        boxes = []
        for _ in range(truths):
            truth = box(rng, *size)
            crowd = bool(rng.random() < (0.4 if name == "crowded" else 0.1))
            if name == "ties" and rng.random() < 0.05:
                truth[2] = 0.0
            entry = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": int(rng.choice([3, 7])),
                "bbox": truth,
                "area": round(truth[2] * truth[3] * (0.5 + rng.random() / 2), 3),
                "iscrowd": int(crowd),
            }
            if kind == "segm":
                mask = pixels(rng, truth, *size)
                entry["area"] = int(mask.sum())
                if crowd:
                    entry["segmentation"] = uncompressed(mask)
                elif rng.random() < 0.5:
                    x, y, w, h = truth
                    entry["segmentation"] = [[x, y, x + w, y, x + w, y + h, x + w / 2, y + h * 0.7, x, y + h]]
                else:
                    entry["segmentation"] = encoded(mask)
            annotations.append(entry)
            boxes.append((truth, entry["category_id"]))
        if number % 7 == 6:
            continue
        found = int(rng.integers(0, 12)) + (130 if name == "crowded" and number == 1 else 0)
        for _ in range(found):
            if boxes and rng.random() < 0.7:
                truth, category = boxes[rng.integers(len(boxes))]
                guess = truth if rng.random() < 0.2 else moved(rng, truth, 0.12)
                if rng.random() < 0.1:
                    category = int(rng.choice([3, 7, 12]))
            else:
                guess, category = box(rng, *size), int(rng.choice([3, 7, 12]))
            if name == "crowded" and number == 1:
                category = 3
            entry = {"image_id": image, "category_id": category, "score": round(float(rng.random()), 1)}
            if kind == "segm":
                guess = [max(0, guess[0]), max(0, guess[1]), guess[2], guess[3]]
                entry["segmentation"] = encoded(pixels(rng, guess, *size))
            else:
                entry["bbox"] = guess
            results.append(entry)
    rng.shuffle(annotations)
    rng.shuffle(results)
    return {"images": images, "annotations": annotations, "categories": categories}, results


def main():
    folder = output_folder("average-precision")
    rng = np.random.default_rng(SEED)
    tensors, cases = {}, []
    for name, kind, count in CASES:
        truth, results = files(rng, name, kind, count)
        for part, content in (("truth", truth), ("results", results)):
            text = json.dumps(content).replace("}, {", "},\n{")
            (folder / f"{name}-{part}.json").write_text(text + "\n")
        with contextlib.redirect_stdout(io.StringIO()):
            known = COCO(folder / f"{name}-truth.json")
            evaluation = COCOeval(known, known.loadRes(str(folder / f"{name}-results.json")), kind)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        for array in ("precision", "recall"):
            whole = evaluation.eval[array]
            cells = np.stack([whole[..., a, m] for a, m in CELLS], -1)
            tensors[f"{name}.{array}"] = torch.from_numpy(np.ascontiguousarray(cells))
        cases.append(
            {
                "name": name,
                "kind": kind,
                "cells": [list(cell) for cell in CELLS],
                "summary": evaluation.stats.tolist(),
            }
        )
    write_split(folder, tensors)
    write_manifest(
        folder, __file__, ["pycocotools", "numpy", "safetensors"], SEED, {"absolute": 1e-12}, cases
    )


def write_split(folder, tensors):
    for name in {key.split(".")[0] for key in tensors}:
        parts = {key.split(".")[1]: value for key, value in tensors.items() if key.startswith(name + ".")}
        write(folder / f"{name}.safetensors", parts)


if __name__ == "__main__":
    main()
