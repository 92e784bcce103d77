"""Checks by hand that `mae detect score` gives pycocotools' twelve numbers on files made now.

    python check_detect_score.py .build/debug/mae [--rounds 24] [--seed N]

Makes annotations and detections at random as the goldens of average precision have them (equal scores, crowds,
pictures without objects or without detections, a category without true objects, ids with gaps, more than a
hundred detections of a class on a picture, polygons and run lengths of both forms), runs `mae detect score
--json` on boxes and, with --masks, on masks, and compares all twelve numbers and those of each category. Ends
with status 1 where a number differs by more than 1e-12.
"""

import argparse
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
from average_precision import files
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# In the order of pycocotools' stats.
NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def evaluated(folder, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(folder / "truth.json")
        evaluation = COCOeval(known, known.loadRes(str(folder / "results.json")), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def apart(value, wanted):
    """pycocotools has −1 where there are no true objects; the program null."""
    if wanted < 0 or value is None:
        return 0.0 if wanted < 0 and value is None else float("inf")
    return abs(value - wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    rng = numpy.random.default_rng(options.seed)
    worst = {}
    for number in range(options.rounds):
        kind = "segm" if number % 2 else "bbox"
        case = ["ties", "crowded", "few"][number // 2 % 3]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            truth, results = files(rng, case, kind, int(rng.integers(3, 40)))
            if not results:
                continue
            (folder / "truth.json").write_text(json.dumps(truth))
            (folder / "results.json").write_text(json.dumps(results))
            evaluation = evaluated(folder, kind)
            command = [options.program, "detect", "score", folder / "results.json"]
            command += ["--truth", folder / "truth.json", "--json"] + (["--masks"] if kind == "segm" else [])
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"round {number} (seed {options.seed}): {done.stderr}")
            found = json.loads(done.stdout)
            for part, wanted in zip(NAMES, evaluation.stats):
                worst[f"{kind} {part}"] = max(worst.get(f"{kind} {part}", 0), apart(found[part], wanted))
            precision = evaluation.eval["precision"]  # [T, R, K, A, M]
            for index, entry in enumerate(found["classes"]):
                own = precision[:, :, index, 0, 2]
                wanted = own[own > -1].mean() if (own > -1).any() else -1
                part = f"{kind} ap of categories"
                worst[part] = max(worst.get(part, 0), apart(entry["AP"], wanted))
    for part, value in worst.items():
        print(f"{part:24} {value:.1e}")
    print(f"{options.rounds} rounds with the seed {options.seed}")
    if any(value > 1e-12 for value in worst.values()):
        sys.exit("check_detect_score: not pycocotools' numbers")


main()
