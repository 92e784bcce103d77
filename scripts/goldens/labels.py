"""Goldens/labels: what OpenCV and mmsegmentation's rules make of a picture and its labels.

`labels.safetensors`: `picture` uint8 [48, 64, 3] RGB and `labels` uint8 [48, 64]; for each case its result. OpenCV
itself resizes (`INTER_LINEAR` of pictures, `INTER_NEAREST` of labels) and converts colours; the distortion around the
conversions is computed here from mmsegmentation 1.2.2's `PhotoMetricDistortion` (float32 arithmetic, clipped, cut to
whole numbers), whose module needs a build of mmcv that is no package.
Scores of label maps are computed here from `IoUMetric` (intersect, union, predicted and label counts over the set), in
whole numbers and float64 (mmsegmentation sums float32), and from the definition of boundary IoU (Cheng et al., 2021,
arXiv:2103.16562; erosion by a 3 × 3 square as many times as 2 % of the diagonal, the border counted as outside), by OpenCV's `erode`.
"""

import cv2
import numpy as np
import torch
from common import output_folder, write, write_manifest

SEED = 13
SIZES = [(24, 32), (48, 64), (96, 128), (31, 50), (30, 101), (97, 33), (5, 7), (200, 64), (1, 1)]
DISTORTIONS = [
    {"brightness": 31.7},
    {"brightness": -20.25},
    {"contrast": 1.47, "contrastFirst": True},
    {"contrast": 0.51, "contrastFirst": False, "saturation": 1.3},
    {"saturation": 0.5},
    {"saturation": 1.5, "hue": -18},
    {"hue": 17},
    {"brightness": 12.5, "contrast": 1.2, "contrastFirst": True, "saturation": 0.7, "hue": -5},
    {"brightness": -12.5, "contrast": 0.7, "contrastFirst": False, "saturation": 1.4, "hue": 9},
]


def scene():
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[0:48, 0:64]
    picture = np.stack([4 * y + x, 250 - 3 * x, 128 + 100 * np.sin(x / 3) * np.cos(y / 4)], -1)
    picture[10:22, 15:33] = (240, 30, 60)
    picture[30:40, 40:60] = (7, 7, 7)
    picture = picture + rng.normal(0, 6, picture.shape)
    labels = (x // 9 + y // 7) % 5
    labels[3:9, 20:31] = 255
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), labels.astype(np.uint8)


def convert(image, alpha=1.0, beta=0.0):
    return np.clip(image.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)


def distort(picture, brightness=None, contrast=None, contrastFirst=True, saturation=None, hue=None):
    image = picture[..., ::-1]  # mmsegmentation works on BGR
    if brightness is not None:
        image = convert(image, beta=brightness)
    if contrast is not None and contrastFirst:
        image = convert(image, alpha=contrast)
    if saturation is not None:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 1] = convert(hsv[..., 1], alpha=saturation)
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if hue is not None:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + hue) % 180
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if contrast is not None and not contrastFirst:
        image = convert(image, alpha=contrast)
    return image[..., ::-1]


def boundary(mask):
    height, width = mask.shape
    times = max(1, int(round(0.02 * np.sqrt(height**2 + width**2))))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=times)[1:-1, 1:-1]
    return mask & ~inner.astype(bool)


def scores(pairs, classes):
    """pairs: prediction and truth; truth 255 is left out."""
    intersect, predicted, label, edge, edges = (np.zeros(classes, np.int64) for _ in range(5))
    for prediction, truth in pairs:
        kept = truth != 255
        for k in range(classes):
            p, t = (prediction == k) & kept, truth == k
            intersect[k] += (p & t).sum()
            predicted[k] += p.sum()
            label[k] += t.sum()
            bp, bt = boundary(p), boundary(t)
            edge[k] += (bp & bt).sum()
            edges[k] += (bp | bt).sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = intersect / (predicted + label - intersect)
        accuracy = intersect / label
        boundary_iou = edge / edges
    none = lambda values: [None if np.isnan(v) else v.item() for v in values]
    return {
        "iou": none(iou),
        "accuracy": none(accuracy),
        "boundaryIoU": none(boundary_iou),
        "meanIoU": np.nanmean(iou).item(),
        "meanAccuracy": np.nanmean(accuracy).item(),
        "overallAccuracy": (intersect.sum() / label.sum()).item(),
        "meanBoundaryIoU": np.nanmean(boundary_iou).item(),
    }


def main():
    folder = output_folder("labels")
    picture, labels = scene()
    tensors, cases = {"picture": picture, "labels": labels}, []
    for number, (height, width) in enumerate(SIZES):
        size = (width, height)
        tensors[f"resize-{number}"] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        tensors[f"nearest-{number}"] = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
        cases.append({"name": f"resize-{number}", "kind": "resize", "labels": f"nearest-{number}"})
    for number, draw in enumerate(DISTORTIONS):
        tensors[f"distort-{number}"] = distort(picture, **draw)
        cases.append({"name": f"distort-{number}", "kind": "distort", **draw})
    rng = np.random.default_rng(SEED + 1)
    classes = 7
    pairs = []
    for number, (height, width) in enumerate([(40, 60), (33, 21), (90, 110)]):
        y, x = np.mgrid[0:height, 0:width]
        truth = ((x // 11 + y // 9) % 5).astype(np.uint8)
        truth[2:8, 3:12] = 255
        prediction = np.roll(truth, (1, 2), (0, 1))
        prediction[prediction == 255] = 6
        noise = rng.random(truth.shape) < 0.05
        prediction[noise] = rng.integers(0, 4, noise.sum())
        pairs.append((prediction, truth))
        tensors[f"prediction-{number}"], tensors[f"truth-{number}"] = prediction, truth
    cases.append({"name": "scores", "kind": "scores", "classes": classes, "pairs": len(pairs), **scores(pairs, classes)})
    write(folder / "labels.safetensors", {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in tensors.items()})
    write_manifest(
        folder,
        __file__,
        ["opencv-python-headless", "numpy", "safetensors"],
        SEED,
        {"absolute": 1e-12},
        cases,
    )


if __name__ == "__main__":
    main()
