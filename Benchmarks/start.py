"""Seconds of whole processes, best of five in turn.

    python start.py PATH_OF_MAE PEER_PYTHON
"""

import subprocess
import sys
import time

mae, python = sys.argv[1:]
commands = {
    "mae --help": [mae, "--help"],
    "mae weights inspect (first tensors)": [mae, "weights", "inspect", "Goldens/vit-mae/pixels"],
    "peer: import torch, first tensor": [*python.split(), "Benchmarks/peers/import_torch.py"],
}
best = dict.fromkeys(commands, float("inf"))
for _ in range(5):
    for name, command in commands.items():
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        best[name] = min(best[name], time.perf_counter() - start)
print("start: seconds of whole processes, best of five in turn")
for name, seconds in best.items():
    print(f"  {name:38} {seconds:.3f}")
