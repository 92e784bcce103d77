"""What the checks of `mae serve` share: pictures, a model to serve, and the server."""

import re
import struct
import subprocess
import tempfile
import zlib


def picture(path, number=0, side=320):
    """Writes a PNG file of a made-up scene: a sky, a ground, and discs."""
    rows = bytearray()
    discs = [((number * 53 + k * 97) % side, side // 2 + (number * 31 + k * 41) % (side // 2), 18 + (number + 7 * k) % 30,
              (60 + 50 * k % 190, 40 + 90 * k % 200, 30 + 70 * (k + number) % 200)) for k in range(6)]
    for y in range(side):
        rows.append(0)
        for x in range(side):
            value = (90 + 100 * y // side, 140 + 60 * y // side, 220 - 60 * y // side) if y < side * 0.55 else (
                70 + (x * 13 + y * 7) % 23, 110 + (x * 5 + y * 11) % 19, 50)
            for cx, cy, radius, color in discs:
                if (x - cx) ** 2 + (y - cy) ** 2 < radius ** 2:
                    value = color
            rows += bytes(value)
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b""))


def model(mae, folder):
    """Pre-trains a ViT-Tiny at 224² for one step on a few pictures: enough to time, not to look at."""
    photos = f"{folder}/photos"
    subprocess.run(["mkdir", "-p", photos], check=True)
    for number in range(8):
        picture(f"{photos}/{number}.png", number)
    subprocess.run(
        [mae, "pretrain", photos, "--out", f"{folder}/tiny", "--recipe", "default", "--set", "model.height=224",
         "--set", "model.width=224", "--set", "model.patch=16", "--set", "model.encoder=tiny", "--set", "batch.size=4",
         "--set", "schedule.epochs=1", "--set", "schedule.warmupEpochs=0"],
        check=True, stdout=subprocess.DEVNULL)
    return f"{folder}/tiny", photos


class Server:
    """`mae serve` on a free port."""

    def __init__(self, mae, words):
        self.process = subprocess.Popen([mae, "serve", *words, "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.lines = []
        self.address = None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if found := re.match(r"serving at (http://\S+?/)", line):
                self.address = found[1]
                break
        assert self.address, "the server did not start"

    @property
    def memory(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * 4096

    def end(self):
        """Asks the server to end and gives its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=60)


def temporary():
    return tempfile.TemporaryDirectory(prefix="mae-serve-")
