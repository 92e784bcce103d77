"""Checks by hand that `mae segment score` gives the numbers of mmsegmentation's formula on files made now.

    python check_segment_score.py .build/debug/mae [--rounds 30] [--seed N]

Makes folders of label maps at random, true ones and predicted ones: pictures of different sizes, pixels that
are ignored (255), classes that are absent or only predicted, numbers of 8 and of 16 bits, classes from 0, from
1 with 0 as background, and from 1 with 0 ignored. For each it runs `mae segment score --json` and computes the
same as mmsegmentation's IoUMetric does: pixels whose true label is ignored are left out; intersections, unions
and labels are counted over the whole set; IoU is i / u and accuracy i / label, of what is 0 / 0 nothing is said
and the means leave it out. Needs numpy and pillow. Ends with status 1 where a number differs by more than 1e-12.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from PIL import Image


def labels(rng, size, classes, absent):
    """Blobs: the nearest of a few random points gives a pixel its class."""
    height, width = size
    points = rng.random((int(rng.integers(2, 14)), 2)) * size
    present = [c for c in range(classes) if c not in absent]
    own = rng.choice(present, len(points))
    y, x = numpy.mgrid[:height, :width]
    distance = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    return own[distance.argmin(-1)]


def write(path, array, bits):
    Image.fromarray(array.astype(numpy.uint16 if bits == 16 else numpy.uint8)).save(path)


def make(folder, rng):
    """Files of a round; what they hold as class numbers, −1 where ignored, and the program's options."""
    classes = int(rng.choice([2, 3, 7, 150, 300], p=[0.2, 0.2, 0.3, 0.2, 0.1]))
    bits = 16 if classes > 254 else 8
    void = 65535 if bits == 16 else 255
    first = ["none", "background", "ignored"][rng.integers(3)]
    count = int(rng.integers(1, 9))
    absent = set(rng.choice(classes, rng.integers(0, classes // 2 + 1), replace=False).tolist()) - {0}
    unseen = set(rng.choice(classes, rng.integers(0, classes // 2 + 1), replace=False).tolist()) - {0}
    (folder / "truth").mkdir(parents=True)
    (folder / "found").mkdir()
    names = [f"class {number}" for number in range(classes)]
    step = 1 if first == "ignored" else 0  # in files class k is k + step
    (folder / "classes.csv").write_text(
        "id,name\n" + "".join(f"{k + step},{name}\n" for k, name in enumerate(names))
    )
    nothing = rng.random() < 0.08
    pairs = []
    for number in range(count):
        size = rng.integers(1, 60, 2)
        truth = labels(rng, size, classes, absent)
        found = numpy.where(rng.random(size) < 0.6, truth, labels(rng, size, classes, unseen))
        ignored = 1 if nothing else rng.choice([0, 0.1, 0.6])
        truth = numpy.where(rng.random(size) < ignored, -1, truth)
        stored = numpy.where(truth < 0, void, truth + step)
        if step:  # both numbers stand for what is ignored
            stored = numpy.where((truth < 0) & (rng.random(size) < 0.5), 0, stored)
        write(folder / "truth" / f"{number}.png", stored, bits)
        # Nothing but classes is predicted.
        write(folder / "found" / f"{number}.png", found + step, bits)
        pairs.append((truth, found))
    options = ["--zero-is", "ignored"] if step else []
    return classes, names, pairs, options


def expected(classes, pairs):
    intersect, union, label, predicted = (numpy.zeros(classes, numpy.int64) for _ in range(4))
    for truth, found in pairs:
        counts = truth >= 0
        truth, found = truth[counts], found[counts]
        both = truth[truth == found]
        intersect += numpy.bincount(both, minlength=classes)
        predicted += numpy.bincount(found, minlength=classes)
        label += numpy.bincount(truth, minlength=classes)
    union = predicted + label - intersect
    with numpy.errstate(invalid="ignore", divide="ignore"):
        iou, accuracy = intersect / union, intersect / label
    return iou, accuracy, label, intersect.sum() / max(1, label.sum())


def differences(result, classes, names, pairs):
    iou, accuracy, label, overall = expected(classes, pairs)

    def apart(value, wanted):
        if value is None or numpy.isnan(wanted):
            return 0.0 if value is None and numpy.isnan(wanted) else float("inf")
        return abs(value - wanted)

    found = {
        "miou": apart(result["miou"], numpy.nanmean(iou)),
        "mean_accuracy": apart(result["mean_accuracy"], numpy.nanmean(accuracy)),
        "accuracy": apart(result["accuracy"], overall),
        "classes": 0.0 if [entry["name"] for entry in result["classes"]] == names else float("inf"),
        "pixels": 0.0 if [entry["pixels"] for entry in result["classes"]] == label.tolist() else float("inf"),
    }
    for part, wanted in (("iou", iou), ("accuracy", accuracy)):
        found[f"{part} of classes"] = max(
            apart(entry[part], value) for entry, value in zip(result["classes"], wanted)
        )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    rng = numpy.random.default_rng(options.seed)
    worst, refused = {}, 0
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            classes, names, pairs, extra = make(folder, rng)
            command = [options.program, "segment", "score", folder / "found", "--truth", folder / "truth"]
            command += ["--classes", folder / "classes.csv", "--json", *extra]
            done = subprocess.run(command, capture_output=True, text=True)
            if all((truth < 0).all() for truth, _ in pairs):
                # Nothing counts: there is no number to give.
                refused += 1
                if done.returncode != 65 or "no pixel that counts" not in done.stderr:
                    sys.exit(f"round {number}: expected a refusal, status 65: {done}")
                continue
            if done.returncode != 0:
                sys.exit(f"round {number} (seed {options.seed}): {done.stderr}")
            for part, value in differences(json.loads(done.stdout), classes, names, pairs).items():
                worst[part] = max(worst.get(part, 0), value)
    for part, value in worst.items():
        print(f"{part:20} {value:.1e}")
    print(f"{options.rounds} rounds with the seed {options.seed}; {refused} of ignored pixels alone")
    if any(value > 1e-12 for value in worst.values()):
        sys.exit("check_segment_score: not the formula's numbers")


main()
