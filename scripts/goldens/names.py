"""Goldens/names: names and shapes of published models' weights, in order; no values.

`manifest.json` alone: `encoder` as timm's VisionTransformer lists them, `decoder` as transformers'
ViTMAEForPreTraining does, in our names (common.py, `native`).
"""

from common import *

from timm.models.vision_transformer import VisionTransformer


def rows(tensors):
    return [{"name": name, "shape": list(tensor.shape)} for name, tensor in tensors.items()]


def main():
    folder = output_folder("names")
    configuration = model_configuration(
        224, 224, 3, 16, side(768, 12, 12), side(512, 8, 16), "normalized-pixels"
    )
    with torch.device("meta"):
        encoder = VisionTransformer(num_classes=0, global_pool="token").state_dict()
        from transformers import ViTMAEConfig, ViTMAEForPreTraining

        whole = native(ViTMAEForPreTraining(ViTMAEConfig()).state_dict())
    assert {name for name in whole if "decoder" not in name and name != "mask_token"} == set(encoder)
    assert all(whole[name].shape == tensor.shape for name, tensor in encoder.items())
    cases = [
        {
            "name": "vit-base",
            "model": configuration,
            "encoder": rows(encoder),
            "decoder": rows({n: t for n, t in whole.items() if n not in encoder}),
        }
    ]
    write_manifest(
        folder,
        __file__,
        ["timm", "transformers"],
        None,
        None,
        cases,
        notes=["attention.q, k and v of transformers are one qkv, as in timm"],
    )


if __name__ == "__main__":
    main()
