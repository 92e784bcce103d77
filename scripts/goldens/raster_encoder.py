"""Goldens/raster-encoder: a Vision Transformer of timm with 13 channels on TIFF files of 16 bits.

`files/` has four files, contiguous, planar, tiled and of 13 pages, uint16 13 × 16 × 16, as tifffile writes
them. `model.safetensors` is timm's VisionTransformer with in_chans=13. `golden.safetensors`: `mean`,
`std` [13] float64, NumPy's over all pixels, and `pooled` [4, D], timm's class token of `(x − mean) / std`.
"""

from common import *

import numpy as np
import tifffile
from timm.models.vision_transformer import VisionTransformer

SEED = 13
CHANNELS, SIDE = 13, 16


def arrays():
    """Four images [H, W, C]: each channel has a level and a spread of its own."""
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    for number in range(4):
        level = 300 + 400 * np.arange(CHANNELS)
        slope = rng.normal(0, 40, (2, CHANNELS))
        image = level + slope[0] * x[..., None] + slope[1] * y[..., None]
        image = image + rng.normal(0, 50, image.shape)
        yield image.clip(0, 65535).astype(np.uint16)


def main():
    folder = output_folder("raster-encoder")
    (folder / "files").mkdir(exist_ok=True)
    images = list(arrays())
    options = {"metadata": None, "software": False, "photometric": "minisblack"}
    layouts = [
        (lambda a: a, {"planarconfig": "contig", "rowsperstrip": 5}),
        (lambda a: a.transpose(2, 0, 1), {"planarconfig": "separate"}),
        (lambda a: a, {"planarconfig": "contig", "tile": (16, 16)}),
        (lambda a: a.transpose(2, 0, 1), {}),
    ]
    for number, (image, (turn, layout)) in enumerate(zip(images, layouts)):
        tifffile.imwrite(folder / "files" / f"{number}.tif", turn(image), **options, **layout)
    pixels = np.stack(images).astype(np.float64)  # [B, H, W, C]
    mean, std = pixels.mean((0, 1, 2)), pixels.std((0, 1, 2))
    inputs = torch.from_numpy((pixels - mean) / std).permute(0, 3, 1, 2).float().contiguous()
    model = VisionTransformer(
        img_size=SIDE, patch_size=4, in_chans=CHANNELS, num_classes=0, global_pool="token",
        embed_dim=24, depth=2, num_heads=3, mlp_ratio=2,
    ).eval()
    randomize(model, generator(SEED))
    with torch.no_grad():
        pooled = model(inputs)
    write(folder / "model.safetensors", model.state_dict())
    write(
        folder / "golden.safetensors",
        {"mean": torch.from_numpy(mean), "std": torch.from_numpy(std), "pooled": pooled},
    )
    write_manifest(
        folder, __file__, ["timm", "safetensors", "tifffile"], SEED,
        {"absolute": 2e-5, "relative": 2e-5}, [{"name": "13-channels", "heads": 3}],
    )


if __name__ == "__main__":
    main()
