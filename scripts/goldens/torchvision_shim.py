"""Lets torchvision's Python half load where its compiled operators do not.

timm and transformers import torchvision for its transforms. A torchvision built for CUDA does not find
its libraries beside a CPU torch, and then stops at `nms` and `qnms`, which it wants to describe and
has not registered. Declaring the two is enough; nothing here calls them. `import torchvision_shim`
comes before timm, transformers and torchvision.
"""

import sys

import torch

try:
    import torchvision  # noqa: F401
except ModuleNotFoundError:
    pass  # transformers' models do without
except RuntimeError:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(
                f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
    import torchvision  # noqa: F401
