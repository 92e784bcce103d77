"""Goldens/adapting: weights resized to other images, patches and channels as timm does it.

`positions.safetensors` holds tables `[1, 1+N, D]` before and after `resample_abs_pos_embed`,
`kernels.safetensors` patch kernels `[D, C, P, P]` before and after `resample_patch_embed`,
`channels.safetensors` the same before and after `adapt_input_conv`: `<case>.before`, `<case>.after`.
The sizes of a case are in its name and in the manifest. All sizes differ, so that no exchange hides.
"""

from common import *

from timm.layers import resample_abs_pos_embed, resample_patch_embed
from timm.models import adapt_input_conv

SEED = 23

# rows and columns before, rows and columns after
GRIDS = [(4, 4, 7, 7), (8, 8, 5, 5), (6, 4, 3, 9), (2, 3, 8, 6), (14, 14, 28, 28), (1, 1, 3, 2)]
SIDES = [(14, 16), (16, 14), (16, 8), (4, 7), (8, 32), (2, 3)]
CHANNELS = [(3, 1), (3, 4), (3, 8), (3, 2), (1, 3), (4, 3)]


def main():
    folder = output_folder("adapting")
    rng = generator(SEED)
    cases = []
    files = {"positions": {}, "kernels": {}, "channels": {}}

    def add(kind, name, old, new, **sizes):
        files[kind].update({f"{name}.before": old, f"{name}.after": new})
        cases.append({"kind": kind, "name": name, **sizes})

    for rows, columns, new_rows, new_columns in GRIDS:
        width = 8 if rows == 14 else 12
        before = torch.randn(1, 1 + rows * columns, width, generator=rng)
        after = resample_abs_pos_embed(before, (new_rows, new_columns), (rows, columns))
        add(
            "positions", f"{rows}x{columns}-to-{new_rows}x{new_columns}", before, after,
            before=[rows, columns], after=[new_rows, new_columns],
        )
    for side, new_side in SIDES:
        before = torch.randn(5, 2, side, side, generator=rng)
        after = resample_patch_embed(before, (new_side, new_side))
        add("kernels", f"{side}-to-{new_side}", before, after, before=[side], after=[new_side])
    for channels, new_channels in CHANNELS:
        before = torch.randn(5, channels, 4, 4, generator=rng)
        after = adapt_input_conv(new_channels, before.clone(), base_chans=channels)
        add(
            "channels", f"{channels}-to-{new_channels}", before, after,
            before=[channels], after=[new_channels],
        )
    for kind, tensors in files.items():
        write(folder / f"{kind}.safetensors", tensors)
    write_manifest(
        folder, __file__, ["timm", "safetensors"], SEED, {"absolute": 1e-6, "relative": 5e-6}, cases,
        notes=["timm inverts the resizing of kernels in float32; done in float64 the kernels differ "
               "by up to 1.4e-5 (16 to 14)"],
    )


if __name__ == "__main__":
    main()
