"""Goldens/timm: a Vision Transformer of timm on all patches, nothing masked.

Each case is a folder: `model.safetensors` in timm's names, `golden.safetensors` with `pixel_values`
[B, C, H, W], `features` [B, 1+N, D] (timm's forward_features, after the final norm), `pooled` [B, D]
(the class token) and `average` [B, D] (the mean of the patches' features).
"""

from common import *

from timm.models.vision_transformer import VisionTransformer

SEED = 6

CASES = [
    dict(name="square", height=16, width=16, channels=3, patch=4, shape=side(24, 2, 3), bias=True),
    dict(name="tall", height=24, width=16, channels=1, patch=8, shape=side(16, 3, 4, 2), bias=False),
]


def main():
    folder = output_folder("timm")
    cases = []
    for number, case in enumerate(CASES):
        rng = generator(SEED * 1000 + number)
        shape = case["shape"]
        model = VisionTransformer(
            img_size=(case["height"], case["width"]),
            patch_size=case["patch"],
            in_chans=case["channels"],
            num_classes=0,
            global_pool="token",
            embed_dim=shape["width"],
            depth=shape["depth"],
            num_heads=shape["heads"],
            mlp_ratio=shape["mlpRatio"],
            qkv_bias=case["bias"],
        ).eval()
        randomize(model, rng)
        images = torch.randn(
            2, case["channels"], case["height"], case["width"], generator=rng
        )
        with torch.no_grad():
            features = model.forward_features(images)
            pooled = model(images)
            place = folder / case["name"]
            write(place / "model.safetensors", model.state_dict())
            write(
                place / "golden.safetensors",
                {
                    "pixel_values": images,
                    "features": features,
                    "pooled": pooled,
                    "average": features[:, 1:].mean(1),
                },
            )
            exact = model.double().forward_features(images.double())
        cases.append(
            {
                "name": case["name"],
                "folder": case["name"],
                "encoder": {
                    "height": case["height"],
                    "width": case["width"],
                    "channels": case["channels"],
                    "patch": case["patch"],
                    "encoder": shape,
                    "normEpsilon": 1e-6,
                    "qkvBias": case["bias"],
                },
                "float64Difference": rounded(
                    greatest_difference({"f": features}, {"f": exact})
                ),
            }
        )
    write_manifest(
        folder,
        __file__,
        ["timm", "safetensors"],
        SEED,
        {"absolute": 5e-6, "relative": 1e-5},
        cases,
        notes=[
            "created as VisionTransformer(num_classes=0, global_pool='token'); norm epsilon is timm's "
            "default, 1e-6",
            "pos_embed is random, not sin-cos: a checkpoint's own table wins",
            "`pooled` equals features[:, 0]",
        ],
    )


if __name__ == "__main__":
    main()
