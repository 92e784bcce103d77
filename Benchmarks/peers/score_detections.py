"""Scoring detections and reading COCO files: `mae detect score` beside pycocotools, each as a whole program, in turn.

    python Benchmarks/peers/score_detections.py .build/release/mae
        [--images 5000] [--detections 100] [--rounds 3] [--megabytes 450]

The files are made up from a seed: pictures of COCO's sizes, 7 true objects a picture of 80 classes
with polygons as COCO has them (a tenth of them crowds' run lengths), detections that are true
boxes moved a little and boxes of nowhere. The second part writes a file as large as COCO's
instances_train2017.json and reads it.
"""

import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

PEER = """
import sys, io, contextlib
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth, results = sys.argv[1:3]
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(truth)
    e = COCOeval(coco, coco.loadRes(results), "bbox")
    e.evaluate(); e.accumulate(); e.summarize()
print(" ".join(repr(float(x)) for x in e.stats))
"""

READ_PEER = """
import sys, io, contextlib
from pycocotools.coco import COCO
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(sys.argv[1])
print(len(coco.anns))
"""


def polygon(box, r):
    x, y, w, h = box
    points = []
    for _ in range(r.randint(12, 60)):
        points += [round(x + r.random() * w, 2), round(y + r.random() * h, 2)]
    return points


def truth(images, objects_each, r):
    out = {"images": [], "annotations": [], "categories": []}
    for c in range(80):
        out["categories"].append({"id": c + 1, "name": f"class {c}", "supercategory": "thing"})
    number = 1
    for image in range(images):
        w, h = r.choice([(640, 480), (480, 640), (640, 427), (500, 375)])
        out["images"].append(
            {"id": image + 1, "width": w, "height": h, "file_name": f"{image:012}.jpg"}
        )
        for _ in range(objects_each):
            bw, bh = w * r.uniform(0.02, 0.6), h * r.uniform(0.02, 0.6)
            box = [r.uniform(0, w - bw), r.uniform(0, h - bh), bw, bh]
            box = [round(v, 2) for v in box]
            crowd = r.random() < 0.01
            shape = (
                {"size": [h, w], "counts": [h * w // 2, h * w // 8, h * w - h * w // 2 - h * w // 8]}
                if crowd
                else [polygon(box, r)]
            )
            out["annotations"].append(
                {
                    "segmentation": shape,
                    "area": round(bw * bh, 4),
                    "iscrowd": int(crowd),
                    "image_id": image + 1,
                    "bbox": box,
                    "category_id": r.randint(1, 80),
                    "id": number,
                }
            )
            number += 1
    return out


def detections(truth, each, r):
    by_image = {}
    for a in truth["annotations"]:
        by_image.setdefault(a["image_id"], []).append(a)
    out = []
    for image in truth["images"]:
        own = by_image.get(image["id"], [])
        for k in range(each):
            if own and k < 3 * len(own):
                a = own[k % len(own)]
                x, y, w, h = a["bbox"]
                box = [x + r.gauss(0, w / 10), y + r.gauss(0, h / 10), w * r.uniform(0.8, 1.2), h]
                c = a["category_id"] if r.random() < 0.8 else r.randint(1, 80)
            else:
                w, h = image["width"] * r.uniform(0.02, 0.5), image["height"] * r.uniform(0.02, 0.5)
                box = [r.uniform(0, image["width"] - w), r.uniform(0, image["height"] - h), w, h]
                c = r.randint(1, 80)
            out.append(
                {
                    "image_id": image["id"],
                    "category_id": c,
                    "bbox": [round(v, 2) for v in box],
                    "score": round(r.random(), 5),
                }
            )
    return out


def write_both(gt, dt, o):
    r = random.Random(o.seed)
    true = truth(o.images, 7, r)
    json.dump(true, open(gt, "w"))
    json.dump(detections(true, o.detections, r), open(dt, "w"))


def write_large(path, o):
    r = random.Random(o.seed + 1)
    size = len(json.dumps(truth(2000, 7, r))) / 2000
    json.dump(truth(int(o.megabytes * 1e6 / size), 7, r), open(path, "w"))


def made(write, *arguments):
    """Writes files in a process of its own: a process that is forked counts the largest memory of
    the one that it comes from as its own."""
    process = multiprocessing.get_context("spawn").Process(target=write, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def timed(command):
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - before
    if status:
        sys.exit(f"{command[0]}: {errors.decode()}")
    return seconds, usage.ru_maxrss / 1e6, out.decode()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("mae")
    p.add_argument("--images", type=int, default=5000)
    p.add_argument("--detections", type=int, default=100)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--megabytes", type=int, default=450)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = os.path.join(folder, "truth.json"), os.path.join(folder, "detections.json")
        made(write_both, gt, dt, o)
        ours, peers = [], []
        for _ in range(o.rounds):
            seconds, memory, out = timed([o.mae, "detect", "score", dt, "--truth", gt, "--json"])
            ours.append((seconds, memory))
            peer_seconds, peer_memory, stats = timed([sys.executable, "-c", PEER, gt, dt])
            peers.append((peer_seconds, peer_memory))
        a, b = (statistics.median(x[0] for x in l) for l in (ours, peers))
        print(f"{o.images} pictures, {o.detections} detections each, boxes; seconds (median of {o.rounds})")
        print(f"  mae detect score  {a:8.2f}  {ours[0][1]:.2f} GB")
        print(f"  pycocotools       {b:8.2f}  {peers[0][1]:.2f} GB   {b / a:.1f} times ours")
        values = [float(x) for x in stats.split()]
        print(f"  AP of pycocotools {values[0]:.15f}, ours {json.loads(out)['AP']:.15f}")

        big = os.path.join(folder, "instances_train.json")
        made(write_large, big, o)
        print(f"a COCO file of {os.path.getsize(big) / 1e6:.0f} MB")
        seconds, memory, out = timed([o.mae, "data", "inspect", big])
        print(f"  mae data inspect (read, sizes counted)    {seconds:.1f} s  {memory:.2f} GB")
        empty = os.path.join(folder, "none.json")
        open(empty, "w").write("[]")
        seconds, memory, out = timed([o.mae, "detect", "score", empty, "--truth", big, "--json"])
        print(f"  mae detect score of no detections         {seconds:.1f} s  {memory:.2f} GB")
        seconds, memory, out = timed([sys.executable, "-c", READ_PEER, big])
        print(f"  pycocotools COCO(file)                    {seconds:.1f} s  {memory:.2f} GB")


if __name__ == "__main__":
    main()
