"""Who waits for whom: a tiny ViT (192 x 12, patch 16) pre-trains at 224 x 224 from JPEG files.

    python wait.py PATH_OF_MAE

Sixty steps of 64 images, as many loader threads as cores; prints the part of the time that training
steps waited for data, from the run's metrics.
"""

import json
import subprocess
import sys
import tempfile

mae = sys.argv[1]
recipe = """
base: default
name: tiny
model:
  encoder: {width: 192, depth: 12, heads: 3, mlpRatio: 4}
  decoder: {width: 128, depth: 2, heads: 4, mlpRatio: 4}
batch: {size: 64}
budget: {epochs: 1, steps: 60, warmupEpochs: 1}
checkpoints: {everyEpochs: null}
monitor: {everySteps: 20, reconstructionsEveryEpochs: null}
"""

with tempfile.TemporaryDirectory() as folder:
    photos = folder + "/photos"
    make = [mae, "bench", "data", "--keep", photos, "--workers", "1", "--images", "50"]
    subprocess.run(make, stdout=subprocess.DEVNULL, check=True)
    with open(folder + "/tiny.yaml", "w") as file:
        file.write(recipe)
    train = [mae, "pretrain", photos, "--out", folder + "/run", "--recipe", folder + "/tiny.yaml"]
    subprocess.run(train, stdout=subprocess.DEVNULL, check=True)
    with open(folder + "/run/metrics.jsonl") as file:
        records = [json.loads(line) for line in file]

print("wait: ViT 192 x 12 at 224 x 224, batch 64, JPEG 500 x 375 of quality 95, 60 steps")
for record in records:
    print(
        f"  step {record['step']}   {record['images_per_second']:.1f} images/s, "
        f"{100 * record['data_wait']:.2f} % of the time spent waiting for data"
    )
