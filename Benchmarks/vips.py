"""JPEG files to random resized crops of 224 as normalised floats: ours and libvips in turn, one thread each.

    python Benchmarks/vips.py PATH_OF_MAE [ROUNDS]

Needs a C compiler and libvips with its headers (Debian: libvips-dev). Prints medians of the processor
time an image takes, start of the process and first pass not counted, and of the ratio, and the same for libvips
without its decoding at smaller scales. Processor time is what programs that run in turn on a shared
machine can be compared by.
"""

import resource
import statistics
import subprocess
import sys
import tempfile

mae = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
FILES = 50


def seconds(command):
    """Processor time of a program, all of its threads together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


with tempfile.TemporaryDirectory() as folder:
    photos, peer = folder + "/photos", folder + "/vips_decode"
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "vips"], capture_output=True, text=True, check=True
    ).stdout.split()
    source = "Benchmarks/peers/vips_decode.c"
    subprocess.run(["cc", "-O2", source, "-o", peer, *flags, "-lm"], check=True)
    # `mae bench data` without a folder writes 200 pictures; 50 of them are kept.
    subprocess.run([mae, "bench", "data", "--keep", photos, "--workers", "1", "--images", "50"],
                   stdout=subprocess.DEVNULL, check=True)
    subprocess.run(f"ls -d {photos}/* | tail -n +{FILES + 1} | xargs rm", shell=True, check=True)

    def ours(passes):
        return seconds([mae, "bench", "data", photos, "--workers", "1", "--images", str(passes * FILES)])

    def theirs(passes, *options):
        return seconds([peer, photos, str(passes), *options])

    def each(function, *options):
        """Milliseconds an image, from the difference of a long and a short run."""
        return (function(40, *options) - function(10, *options)) / (30 * FILES) * 1000

    table = [(each(ours), each(theirs), each(theirs, "full")) for _ in range(rounds)]

a, b, c = (statistics.median(column) for column in zip(*table))
print(f"decoding: JPEG 500 x 375, quality 95, to random resized crops of 224, in turn, medians of {rounds}")
print(f"  ours                        {a:.2f} ms an image of processor time")
print(f"  libvips                     {b:.2f} ms, {statistics.median(y / x for x, y, _ in table):.2f} times ours")
print(f"  libvips, always full scale  {c:.2f} ms, {statistics.median(z / x for x, _, z in table):.2f} times ours")
