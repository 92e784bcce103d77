"""Goldens/imaging: what Pillow and torchvision do to the bytes of an image.

`images.safetensors`: `scene` [40, 56, 3], `gray` [30, 21, 1], `noise` [20, 24, 3], all uint8 [H, W, C].
`resize.safetensors`: `<case>` uint8 [H, W, C], an image cropped to whole pixels and resized with
Pillow's antialiased bicubic or bilinear filter.
`color.safetensors`: `<case>` uint8 [20, 24, 3], one colour change of `noise`.
`augment.safetensors`: `<case>` uint8 [H, W, C], one RandAugment operation of timm on `noise` or `gray`.
`eval.safetensors`: `<case>` float32 [3, H, W], timm's evaluation transform of `scene`.
The manifest lists the arguments of each case.
"""

from common import *

import numpy as np
from PIL import Image
from timm.data import auto_augment, create_transform
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

SEED = 8
FILL = (124, 116, 104)  # ImageNet's mean, as timm fills what a geometric operation uncovers
BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR

RESIZE = [  # image, (top, left, height, width), (height, width), filter
    ("scene", (0, 0, 40, 56), (16, 16), "bicubic"),
    ("scene", (3, 7, 29, 31), (24, 24), "bicubic"),
    ("scene", (5, 2, 9, 50), (24, 24), "bicubic"),
    ("scene", (11, 20, 8, 8), (24, 24), "bicubic"),
    ("scene", (0, 0, 40, 56), (40, 20), "bicubic"),
    ("scene", (39, 55, 1, 1), (8, 8), "bicubic"),
    ("scene", (1, 1, 33, 47), (7, 19), "bilinear"),
    ("noise", (0, 0, 20, 24), (9, 11), "bicubic"),
    ("noise", (0, 0, 20, 24), (33, 37), "bicubic"),
    ("noise", (0, 0, 20, 24), (33, 7), "bilinear"),
    ("gray", (2, 1, 27, 19), (16, 16), "bicubic"),
]
COLOR = [
    ("brightness", F.adjust_brightness, (0.0, 0.6, 1.0, 1.4)),
    ("contrast", F.adjust_contrast, (0.0, 0.6, 1.4)),
    ("saturation", F.adjust_saturation, (0.0, 0.6, 1.4)),
    ("hue", F.adjust_hue, (-0.5, -0.1, 0.1, 0.4)),
]
PLAIN = [("AutoContrast", []), ("Equalize", []), ("Invert", [])]
VALUES = [
    ("Posterize", [4, 2, 1]),
    ("Solarize", [26, 128, 256]),
    ("SolarizeAdd", [0, 99]),
    ("Color", [0.1, 1.81]),
    ("Contrast", [0.1, 1.81]),
    ("Brightness", [0.1, 1.81]),
    ("Sharpness", [0.1, 1.81]),
]
GEOMETRIC = [
    ("Rotate", [27.0, -11.5]),
    ("ShearX", [0.27, -0.27]),
    ("ShearY", [0.27, -0.1]),
    ("TranslateXRel", [0.405, -0.1]),
    ("TranslateYRel", [0.405, -0.1]),
]
MAGNITUDES = [0, 1, 5, 8.6, 9, 9.5, 10]


def scenes():
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[0:40, 0:56]
    scene = np.stack([4 * y + x, 250 - 3 * x, 128 + 100 * np.sin(x / 3) * np.cos(y / 4)], -1)
    scene[10:22, 15:33] = (240, 30, 60)
    scene = scene + rng.normal(0, 6, scene.shape)
    y, x = np.mgrid[0:30, 0:21]
    gray = (127 + 120 * np.sin((x * x + y * y) / 60))[..., None]
    noise = rng.integers(20, 231, (20, 24, 3))  # autocontrast has something to do
    noise[:8, :8] = noise[:8, :8] // 8 * 8
    return {
        name: np.clip(np.rint(array), 0, 255).astype(np.uint8)
        for name, array in (("scene", scene), ("gray", gray), ("noise", noise))
    }


def picture(array):
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def tensor(image):
    array = np.array(image)
    return torch.from_numpy(array if array.ndim == 3 else array[..., None])


def resize(arrays):
    tensors, cases = {}, []
    modes = {"bicubic": InterpolationMode.BICUBIC, "bilinear": InterpolationMode.BILINEAR}
    for number, (name, box, size, mode) in enumerate(RESIZE):
        top, left, height, width = box
        image = picture(arrays[name])
        result = F.resized_crop(image, top, left, height, width, list(size), modes[mode])
        tensors[f"resize-{number}"] = tensor(result)
        cases.append(
            {
                "name": f"resize-{number}",
                "kind": "resize",
                "image": name,
                "top": top,
                "left": left,
                "height": height,
                "width": width,
                "size": list(size),
                "filter": mode,
            }
        )
    return tensors, cases


def color(arrays):
    tensors, cases = {}, []
    for kind, function, factors in COLOR:
        for factor in factors:
            name = f"{kind}-{factor}"
            tensors[name] = tensor(function(picture(arrays["noise"]), factor))
            cases.append(
                {"name": name, "kind": "color", "image": "noise", "change": kind, "factor": factor}
            )
    return tensors, cases


def augment(arrays):
    tensors, cases = {}, []

    def add(operation, arguments, filter_name=None, image="noise"):
        options = {}
        name = "-".join([operation, *map(str, arguments)])
        if filter_name:
            resample = {"bicubic": BICUBIC, "bilinear": BILINEAR}[filter_name]
            fill = FILL if image == "noise" else FILL[0]
            options, name = dict(resample=resample, fillcolor=fill), f"{name}-{filter_name}"
        if image != "noise":
            name = f"{image}-{name}"
        function = auto_augment.NAME_TO_OP[operation]
        tensors[name] = tensor(function(picture(arrays[image]), *arguments, **options))
        cases.append(
            {
                "name": name,
                "kind": "augment",
                "image": image,
                "operation": operation,
                "argument": arguments[0] if arguments else None,
                "filter": filter_name,
            }
        )

    for operation, arguments in PLAIN:
        add(operation, arguments)
    for operation, values in VALUES:
        for value in values:
            add(operation, [value])
    for operation, values in GEOMETRIC:
        for value in values:
            for filter_name in ("bicubic", "bilinear"):
                add(operation, [value], filter_name)
    for operation, _ in PLAIN:
        add(operation, [], image="gray")
    for operation, values in VALUES:
        add(operation, values[-1:], image="gray")
    for operation, values in GEOMETRIC:
        for filter_name in ("bicubic", "bilinear"):
            add(operation, values[:1], filter_name, "gray")
    return tensors, cases


def levels():
    """The argument of each operation at a magnitude, `+` and `-` for the two signs it may take."""
    sign = 1
    auto_augment._randomly_negate = lambda value: sign * value
    table = {}
    for operation in auto_augment._RAND_INCREASING_TRANSFORMS:
        to_argument = auto_augment.LEVEL_TO_ARG[operation]
        if to_argument is None:
            continue
        table[operation] = {"magnitudes": MAGNITUDES}
        for sign, key in ((1, "+"), (-1, "-")):
            hparams = {"translate_const": 250}
            table[operation][key] = [to_argument(m, hparams)[0] for m in MAGNITUDES]
    return table


def evaluation(arrays):
    tensors, cases = {}, []
    for name, size, fraction in (
        ("eval-875", 24, 0.875),
        ("eval-1", 24, 1.0),
        ("eval-up", 64, 0.875),
        ("eval-wide", [20, 36], 0.875),
    ):
        height, width = [size, size] if isinstance(size, int) else size
        transform = create_transform(
            (3, height, width), is_training=False, interpolation="bicubic", crop_pct=fraction
        )
        tensors[name] = transform(picture(arrays["scene"]))
        cases.append(
            {"name": name, "kind": "eval", "image": "scene", "size": size, "cropFraction": fraction}
        )
    return tensors, cases


def main():
    folder = output_folder("imaging")
    arrays = scenes()
    write(
        folder / "images.safetensors",
        {name: torch.from_numpy(array) for name, array in arrays.items()},
    )
    cases = []
    for name, make in (
        ("resize", resize),
        ("color", color),
        ("augment", augment),
        ("eval", evaluation),
    ):
        tensors, made = make(arrays)
        write(folder / f"{name}.safetensors", tensors)
        cases += [{**case, "file": f"{name}.safetensors"} for case in made]
    write_manifest(
        folder,
        __file__,
        ["torchvision", "timm", "pillow", "numpy", "safetensors"],
        SEED,
        {"absolute": 1, "relative": 0},
        cases,
        notes=[
            "tolerance in grey levels of 255; what is arithmetic on single bytes (PLAIN and VALUES of "
            "the script, brightness) should be exact. eval in normalised units: 0.02",
            "resize is torchvision.transforms.functional.resized_crop on a Pillow image: crop, then "
            "Image.resize, which filters with antialiasing, rows then columns, rounding to bytes between",
            "Pillow's Contrast blends with the rounded mean of the grey image (L = (19595 R + 38470 G + "
            "7471 B + 32768) >> 16)",
            "increasing operations (rand-m9-mstd0.5-inc1) are the plain ones with another argument: "
            "levels has them by name; the sign is drawn, two operations an image, each applied with "
            "probability 0.5, magnitude N(9, 0.5) clipped to 0…10",
            "Posterize keeps at least 1 bit here: at magnitude 10 timm asks for 0, which Pillow 13 refuses "
            "with an error",
            "geometric operations map output pixel centres through Pillow's affine transform and fill "
            "what they uncover; timm draws bicubic or bilinear unless told",
        ],
        fill=list(FILL),
        randAugment=auto_augment._RAND_INCREASING_TRANSFORMS,
        levels=levels(),
    )


if __name__ == "__main__":
    main()
