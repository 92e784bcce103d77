"""JPEG files to random resized crops of 224 as normalised floats: ours and torchvision with Pillow in turn.

    python data.py PATH_OF_MAE PEER_PYTHON

Prints medians of seven rounds: images a second of the peer (one core), of ours with one worker and with
two, of ours with two from tar shards of the same files, and their ratios.
"""

import re
import statistics
import subprocess
import sys
import tempfile

mae, python = sys.argv[1:]


def ours(photos, workers):
    command = [mae, "bench", "data", photos, "--workers", str(workers), "--images", "4000"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(re.search(r": (\d+) images/s", text)[1])


with tempfile.TemporaryDirectory() as folder:
    photos = folder + "/photos"
    make = [mae, "bench", "data", "--keep", photos, "--workers", "1", "--images", "50"]
    subprocess.run(make, stdout=subprocess.DEVNULL, check=True)
    pack = [mae, "data", "pack", photos, "--out", folder + "/shards", "--per-shard", "100"]
    subprocess.run(pack, stdout=subprocess.DEVNULL, check=True)
    shards = folder + "/shards"
    peer = subprocess.Popen(
        [*python.split(), "Benchmarks/peers/decode.py", photos],
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )
    peer.stdout.readline()

    def theirs():
        peer.stdin.write("pass\n")
        peer.stdin.flush()
        return float(peer.stdout.readline().split()[0])

    rounds = [
        (theirs(), ours(photos, 1), ours(photos, 2), ours(shards, 2)) for _ in range(7)
    ]
    peer.kill()

peers, one, two, packed = (statistics.median(column) for column in zip(*rounds))
print("data: JPEG 500 x 375, quality 95, to random resized crops of 224, in turn, medians of 7")
print(f"  peer, torchvision + Pillow   {peers:.0f} images/s")
print(f"  ours, one worker             {one:.0f} images/s")
print(f"  ours, two workers            {two:.0f} images/s")
print(f"  the same from tar shards     {packed:.0f} images/s")
print(f"  ratio a core                 {statistics.median(b / a for a, b, *_ in rounds):.2f}")
print(f"  two workers over one         {statistics.median(c / b for _, b, c, _ in rounds):.2f}")
print(f"  shards over files            {statistics.median(d / c for *_, c, d in rounds):.2f}")
