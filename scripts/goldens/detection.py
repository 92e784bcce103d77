"""Goldens/detection: parts of Mask R-CNN, each against torchvision where it has the same rule.

`regions`, `suppression`, `boxes`, `matching`: torchvision's roi_align (with its gradient), nms, box_iou,
BoxCoder and Matcher. `top-down`, `heads`: its FeaturePyramidNetwork with batch normalisation, RPNHead of
two convolutions, FastRCNNConvFCHead and MaskRCNNHeads. `pasting`: torch's grid_sample.
`whole`: a detector in ViTDet's form, with HF's VitDetBackbone as its encoder, roi_align and nms of
torchvision, and all else (anchors, targets, losses, pyramid, levels) computed here by the rules of
ViTDet's code, as no peer has them: losses with the gradients of all weights, and what is detected. All
anchors and regions count, so that nothing is drawn at random.
`cascade`: the same with three box heads in a row, by the rules of detectron2's CascadeROIHeads.
"""

from common import *

import math

import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FeaturePyramidNetwork, box_iou, nms, roi_align
from transformers import VitDetBackbone, VitDetConfig
from transformers.utils import logging

logging.set_verbosity_error()
SEED = 29


def random_boxes(count, width, height, rng, outside=4.0):
    first = torch.rand(count, 2, generator=rng) * torch.tensor([width, height]) - outside / 2
    size = torch.rand(count, 2, generator=rng) ** 2 * torch.tensor([width, height]) * 0.9 + 0.3
    return torch.cat([first, first + size], dim=1)


# -- Parts that torchvision has ---------------------------------------------------------------------


def regions(folder, rng):
    values = {}
    picture = torch.randn(2, 3, 9, 13, generator=rng)
    boxes = torch.cat(
        [
            random_boxes(10, 52, 36, rng),
            torch.tensor([[0.0, 0.0, 52.0, 36.0], [-30.0, -30.0, 90.0, 80.0], [50.0, 34.0, 52.0, 36.0]]),
            torch.tensor([[8.0, 8.0, 12.0, 12.0], [20.1, 20.1, 20.4, 20.4], [60.0, 50.0, 70.0, 60.0]]),
        ]
    )
    images = torch.tensor([0] * 7 + [1] * 9).float()[:, None]
    values |= {"map": picture, "boxes": boxes}
    for name, bins, ratio, aligned in (("aligned", 7, 0, True), ("two", 4, 2, True), ("plain", 5, 0, False), ("old", 3, 2, False)):
        leaf = picture.clone().requires_grad_()
        out = roi_align(leaf, torch.cat([images, boxes], 1), bins, 0.25, ratio, aligned)
        upstream = torch.randn(out.shape, generator=rng)
        (out * upstream).sum().backward()
        values |= {f"{name}.out": out, f"{name}.upstream": upstream, f"{name}.gradient": leaf.grad}
    write(folder / "regions.safetensors", values)
    return dict(name="regions", note="roi_align at a scale of 0.25; the first 7 boxes of the first image")


def suppression(folder, rng):
    centres = torch.randint(0, 6, [60, 2], generator=rng).float() * 7
    first = centres + torch.randint(-2, 3, [60, 2], generator=rng)
    boxes = torch.cat([first, first + torch.randint(6, 14, [60, 2], generator=rng)], dim=1).float()
    scores = torch.randint(0, 12, [60], generator=rng).float() / 11
    values = {"boxes": boxes, "scores": scores}
    for threshold in (0.3, 0.5, 0.7):
        values[f"kept.{threshold}"] = nms(boxes, scores, threshold)
    write(folder / "suppression.safetensors", values)
    return dict(name="suppression", note="nms of boxes on whole numbers with equal scores")


def boxes(folder, rng):
    values = {"a": random_boxes(9, 40, 30, rng), "b": random_boxes(7, 40, 30, rng)}
    values["iou"] = box_iou(values["a"], values["b"])
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
    values["references"] = values["a"]
    values["targets"] = random_boxes(9, 40, 30, rng)
    values["codes"] = coder.encode_single(values["targets"], values["references"])
    deltas = torch.randn(9, 4, generator=rng) * 8
    deltas[0, 2:] = 60  # above the limit
    values["deltas"] = deltas
    values["decoded"] = coder.decode_single(deltas, values["references"])
    write(folder / "boxes.safetensors", values)
    return dict(name="boxes", note="box_iou, and BoxCoder with the weights 10, 10, 5, 5")


def matching(folder, rng):
    truths = torch.tensor([[0.0, 0.0, 10.0, 10.0], [14.0, 4.0, 22.0, 16.0], [15.0, 5.0, 23.0, 17.0], [30.0, 30.0, 34.0, 50.0]])
    grid = torch.stack(torch.meshgrid(torch.arange(0.0, 40.0, 4), torch.arange(0.0, 48.0, 4), indexing="ij"), -1)
    grid = grid.reshape(-1, 2)
    candidates = torch.cat([grid, grid + 8], dim=1)
    candidates = torch.cat([candidates, torch.tensor([[0.0, 0.0, 10.0, 9.0], [14.0, 4.0, 22.0, 15.0]])])
    iou = box_iou(truths, candidates)
    write(
        folder / "matching.safetensors",
        {
            "truths": truths,
            "candidates": candidates,
            "best": Matcher(0.7, 0.3, allow_low_quality_matches=True)(iou),
            "plain": Matcher(0.5, 0.5, allow_low_quality_matches=False)(iou),
        },
    )
    return dict(name="matching", note="Matcher; −1 background, −2 left out")


def module_case(module, inputs, call, rename, rng, values, prefix):
    """Output, gradients of sum(output · upstream), and running statistics after a training step."""
    for name, tensor in module.state_dict().items():
        if rename(name):
            values[f"{prefix}.weight.{rename(name)}"] = tensor.clone()
    outputs = call(module, inputs)
    total = 0
    for index, output in enumerate(outputs):
        upstream = torch.randn(output.shape, generator=rng)
        values[f"{prefix}.out.{index}"] = output.detach()
        values[f"{prefix}.upstream.{index}"] = upstream
        total = total + (output * upstream).sum()
    total.backward()
    for name, parameter in module.named_parameters():
        values[f"{prefix}.grad.{rename(name)}"] = parameter.grad
    for name, buffer in module.named_buffers():
        if rename(name) and "running" in name:
            values[f"{prefix}.after.{rename(name)}"] = buffer.clone()
    for index, tensor in enumerate(inputs):
        values[f"{prefix}.in.{index}"] = tensor


def show(module, rng):
    randomize(module, rng)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.2 * torch.randn(buffer.shape, generator=rng))
        if name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=rng))


def top_down(folder, rng):
    module = FeaturePyramidNetwork([4, 6, 8], 5, norm_layer=nn.BatchNorm2d)
    show(module, rng)
    module.train()
    inputs = [
        torch.randn(2, channels, *size, generator=rng)
        for channels, size in ((4, (8, 12)), (6, (4, 6)), (8, (2, 3)))
    ]

    def rename(name):
        if "num_batches" in name:
            return None
        kind, level, part, *rest = name.split(".")
        kind = {"inner_blocks": "fpn_lateral", "layer_blocks": "fpn_output"}[kind]
        return ".".join([f"{kind}{int(level) + 2}"] + (["norm"] if part == "1" else []) + rest)

    values = {}
    call = lambda m, xs: list(m({str(i): x for i, x in enumerate(xs)}).values())
    module_case(module, inputs, call, rename, rng, values, "pyramid")
    write(folder / "top-down.safetensors", values)
    return dict(name="top-down", note="FeaturePyramidNetwork of three maps in training")


def heads(folder, rng):
    values = {}
    channels, classes, hidden = 6, 3, 10
    rpn = RPNHead(channels, 3, conv_depth=2)
    show(rpn, rng)

    def rpn_name(name):
        for part, other in (
            ("conv.0.0.", "rpn_head.conv.conv0."),
            ("conv.1.0.", "rpn_head.conv.conv1."),
            ("cls_logits.", "rpn_head.objectness_logits."),
            ("bbox_pred.", "rpn_head.anchor_deltas."),
        ):
            name = name.replace(part, other)
        return name

    def rpn_call(module, maps):
        logits, deltas = module(maps)
        count = maps[0].shape[0]
        return [
            torch.cat([x.permute(0, 2, 3, 1).reshape(count, -1) for x in logits], 1),
            torch.cat([x.permute(0, 2, 3, 1).reshape(count, -1, 4) for x in deltas], 1),
        ]

    maps = [torch.randn(2, channels, *size, generator=rng) for size in ((4, 6), (2, 3))]
    module_case(rpn, maps, rpn_call, rpn_name, rng, values, "rpn")

    box = nn.Module()
    box.head = FastRCNNConvFCHead((channels, 7, 7), [channels] * 2, [hidden], norm_layer=nn.BatchNorm2d)
    box.cls_score = nn.Linear(hidden, classes + 1)
    box.bbox_pred = nn.Linear(hidden, classes * 4)
    show(box, rng)
    box.train()

    def box_name(name):
        if "num_batches" in name:
            return None
        for part, other in (
            ("head.0.0.", "box_head.conv1."),
            ("head.0.1.", "box_head.conv1.norm."),
            ("head.1.0.", "box_head.conv2."),
            ("head.1.1.", "box_head.conv2.norm."),
            ("head.3.", "box_head.fc1."),
        ):
            name = name.replace(part, other)
        return name if name.startswith("box_head") else "box_predictor." + name

    def box_call(module, inputs):
        x = module.head(inputs[0])
        return [module.cls_score(x), module.bbox_pred(x).reshape(-1, classes, 4)]

    module_case(box, [torch.randn(5, channels, 7, 7, generator=rng)], box_call, box_name, rng, values, "box")

    mask = nn.Module()
    mask.head = MaskRCNNHeads(channels, [channels] * 2, 1, norm_layer=nn.BatchNorm2d)
    mask.predictor = MaskRCNNPredictor(channels, channels, classes)
    show(mask, rng)
    mask.train()

    def mask_name(name):
        if "num_batches" in name:
            return None
        for part, other in (
            ("head.0.0.", "mask_fcn1."),
            ("head.0.1.", "mask_fcn1.norm."),
            ("head.1.0.", "mask_fcn2."),
            ("head.1.1.", "mask_fcn2.norm."),
            ("predictor.conv5_mask.", "deconv."),
            ("predictor.mask_fcn_logits.", "predictor."),
        ):
            name = name.replace(part, other)
        return name

    call = lambda m, inputs: [m.predictor(m.head(inputs[0]))]
    module_case(mask, [torch.randn(3, channels, 14, 14, generator=rng)], call, mask_name, rng, values, "mask")
    write(folder / "heads.safetensors", values)
    return dict(name="heads", note="RPNHead, FastRCNNConvFCHead, MaskRCNNHeads; linear layers of scores and codes")


def paste(mask, box, width, height):
    """Mask R-CNN's pasting: grid_sample at pixel centres, at least one half."""
    x = (torch.arange(width) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1
    y = (torch.arange(height) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1
    grid = torch.stack([x[None].expand(height, width), y[:, None].expand(height, width)], -1)
    return F.grid_sample(mask[None, None], grid[None], align_corners=False)[0, 0]


def pasting(folder, rng):
    count, width, height = 8, 37, 29
    boxes = random_boxes(count, width, height, rng, outside=8)
    boxes[0] = torch.tensor([3.0, 4.0, 31.0, 18.0])
    smooth = F.interpolate(torch.rand(count, 1, 5, 5, generator=rng), size=(28, 28), mode="bicubic")
    masks = smooth[:, 0].clamp(0, 1)
    pasted = torch.stack([paste(m, b, width, height) for m, b in zip(masks, boxes)])
    write(
        folder / "pasting.safetensors",
        {"masks": masks, "boxes": boxes, "values": pasted},
    )
    return dict(name="pasting", note="37 × 29 pixels; values before the threshold of one half")


# -- The whole detector -----------------------------------------------------------------------------


class ChannelNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Normed(nn.Conv2d):
    def __init__(self, channels_in, channels_out, kernel):
        super().__init__(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
        self.norm = ChannelNorm(channels_out)

    def forward(self, x):
        return self.norm(super().forward(x))


PATCH, WIDTH, CHANNELS, HIDDEN, CLASSES = 4, 16, 8, 12, 3
SIZES, STRIDES = (4.0, 8.0, 16.0, 32.0, 64.0), (1.0, 2.0, 4.0, 8.0, 16.0)
DEEP, KEPT = 40, 30  # candidates of a level, proposals of an image


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = VitDetBackbone(
            VitDetConfig(
                hidden_size=WIDTH,
                num_hidden_layers=2,
                num_attention_heads=2,
                mlp_ratio=2,
                image_size=32,
                pretrain_image_size=16,
                patch_size=PATCH,
                window_size=3,
                window_block_indices=[0],
                use_absolute_position_embeddings=True,
                use_relative_position_embeddings=True,
                out_features=["stage2"],
                drop_path_rate=0.0,
            )
        )
        backbone = nn.Module()
        up = lambda a, b: nn.ConvTranspose2d(a, b, 2, 2)
        ends = lambda c: [Normed(c, CHANNELS, 1), Normed(CHANNELS, CHANNELS, 3)]
        backbone.simfp_2 = nn.Sequential(
            up(WIDTH, WIDTH // 2), ChannelNorm(WIDTH // 2), nn.GELU(), up(WIDTH // 2, WIDTH // 4), *ends(WIDTH // 4)
        )
        backbone.simfp_3 = nn.Sequential(up(WIDTH, WIDTH // 2), *ends(WIDTH // 2))
        backbone.simfp_4 = nn.Sequential(*ends(WIDTH))
        backbone.simfp_5 = nn.Sequential(nn.MaxPool2d(2, 2), *ends(WIDTH))
        self.backbone = backbone
        rpn = nn.Module()
        rpn.conv = nn.Sequential()
        for index in range(2):
            rpn.conv.add_module(f"conv{index}", nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))
        rpn.objectness_logits = nn.Conv2d(CHANNELS, 3, 1)
        rpn.anchor_deltas = nn.Conv2d(CHANNELS, 12, 1)
        self.proposal_generator = nn.Module()
        self.proposal_generator.rpn_head = rpn
        heads = nn.Module()
        heads.box_head = nn.Module()
        heads.box_head.conv1 = Normed(CHANNELS, CHANNELS, 3)
        heads.box_head.fc1 = nn.Linear(CHANNELS * 49, HIDDEN)
        heads.box_predictor = nn.Module()
        heads.box_predictor.cls_score = nn.Linear(HIDDEN, CLASSES + 1)
        heads.box_predictor.bbox_pred = nn.Linear(HIDDEN, CLASSES * 4)
        heads.mask_head = nn.Module()
        heads.mask_head.mask_fcn1 = Normed(CHANNELS, CHANNELS, 3)
        heads.mask_head.deconv = nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, 2)
        heads.mask_head.predictor = nn.Conv2d(CHANNELS, CLASSES, 1)
        self.roi_heads = heads

    def maps(self, images):
        x = self.encoder(images).feature_maps[-1]
        four = [getattr(self.backbone, f"simfp_{level}")(x) for level in range(2, 6)]
        return four + [four[-1][:, :, ::2, ::2]]

    def rpn(self, maps):
        head = self.proposal_generator.rpn_head
        logits, codes = [], []
        for x in maps:
            for convolution in head.conv:
                x = convolution(x).relu()
            count, _, rows, columns = x.shape
            logits.append(head.objectness_logits(x).permute(0, 2, 3, 1).flatten(1))
            deltas = head.anchor_deltas(x).view(count, 3, 4, rows, columns)
            codes.append(deltas.permute(0, 3, 4, 1, 2).reshape(count, -1, 4))
        return logits, codes

    def pooled(self, maps, boxes, bins):
        """Regions by level: ⌊2 + log2(√area / (14 · patch))⌋."""
        images = torch.cat([torch.full((len(b), 1), float(i)) for i, b in enumerate(boxes)])
        every = torch.cat(boxes)
        area = (every[:, 2] - every[:, 0]) * (every[:, 3] - every[:, 1])
        level = torch.floor(2 + torch.log2(area.sqrt() / (14 * PATCH) + 1e-8)).clamp(0, 3).long()
        out = torch.zeros(len(every), CHANNELS, bins, bins)
        for index in range(4):
            chosen = (level == index).nonzero()[:, 0]
            regions = torch.cat([images, every], 1)[chosen]
            found = roi_align(maps[index], regions, bins, 1 / STRIDES[index], 0, True)
            out = out.index_copy(0, chosen, found)
        return out

    def box_head(self, x):
        x = self.roi_heads.box_head.conv1(x).relu().flatten(1)
        x = self.roi_heads.box_head.fc1(x).relu()
        predictor = self.roi_heads.box_predictor
        return predictor.cls_score(x), predictor.bbox_pred(x).view(-1, CLASSES, 4)

    def mask_head(self, x):
        head = self.roi_heads.mask_head
        return head.predictor(head.deconv(head.mask_fcn1(x).relu()).relu())


def anchors(maps):
    levels = []
    for x, stride, size in zip(maps, STRIDES, SIZES):
        cells = []
        for ratio in (0.5, 1.0, 2.0):
            w = math.sqrt(size * size / ratio)
            h = ratio * w
            cells.append([-w / 2, -h / 2, w / 2, h / 2])
        y, x = torch.meshgrid(
            torch.arange(x.shape[2]) * stride, torch.arange(x.shape[3]) * stride, indexing="ij"
        )
        shifts = torch.stack([x.flatten(), y.flatten(), x.flatten(), y.flatten()], 1)
        levels.append((shifts[:, None] + torch.tensor(cells)[None]).reshape(-1, 4))
    return levels


RPN_CODER = BoxCoder((1.0, 1.0, 1.0, 1.0))
BOX_CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))


@torch.no_grad()
def proposals(logits, codes, levels, extents):
    result = []
    for image, (width, height) in enumerate(extents):
        found, scores = [], []
        for level, own in enumerate(levels):
            order = torch.sort(logits[level][image], descending=True, stable=True).indices[:DEEP]
            boxes = RPN_CODER.decode_single(codes[level][image][order], own[order])
            boxes[:, 0::2] = boxes[:, 0::2].clamp(0, width)
            boxes[:, 1::2] = boxes[:, 1::2].clamp(0, height)
            values = logits[level][image][order]
            good = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
            boxes, values = boxes[good], values[good]
            kept = nms(boxes, values, 0.7)
            found.append(boxes[kept])
            scores.append(values[kept])
        found, scores = torch.cat(found), torch.cat(scores)
        result.append(found[torch.sort(scores, descending=True, stable=True).indices[:KEPT]])
    return result


def losses(model, images, truths, extents):
    maps = model.maps(images)
    logits, codes = model.rpn(maps)
    levels = anchors(maps)
    every = torch.cat(levels)
    scores, deltas = torch.cat(logits, 1), torch.cat(codes, 1)
    objectness, places, divisor = 0, 0, 10_000 * len(images)
    for image, (boxes, _, _) in enumerate(truths):
        matches = Matcher(0.7, 0.3, allow_low_quality_matches=True)(box_iou(boxes, every)) if len(boxes) else torch.full((len(every),), -1)
        used = matches != -2
        target = (matches >= 0).float()
        objectness = objectness + F.binary_cross_entropy_with_logits(
            scores[image][used], target[used], reduction="sum"
        )
        positive = matches >= 0
        if len(boxes):
            wanted = RPN_CODER.encode_single(boxes[matches[positive]], every[positive])
            places = places + (deltas[image][positive] - wanted).abs().sum()
    found = proposals(logits, codes, levels, extents)
    samples, labels, objects = [], [], []
    for own, (boxes, classes, _) in zip(found, truths):
        own = torch.cat([own, boxes])
        if len(boxes):
            matches = Matcher(0.5, 0.5, allow_low_quality_matches=False)(box_iou(boxes, own))
        else:
            matches = torch.full((len(own),), -1)
        # Foreground first, each in the order of the list.
        order = torch.cat([(matches >= 0).nonzero()[:, 0], (matches < 0).nonzero()[:, 0]])
        matches = matches[order]
        samples.append(own[order])
        objects.append(matches)
        labels.append(torch.where(matches >= 0, classes[matches] if len(boxes) else CLASSES, CLASSES))
    label = torch.cat(labels)
    class_scores, class_codes = model.box_head(model.pooled(maps, samples, 7))
    classes_loss = F.cross_entropy(class_scores, label)
    boxes_loss, first = 0, 0
    masks, masked, masked_labels = [], [], []
    for own, matches, labels_, (boxes, _, shapes) in zip(samples, objects, labels, truths):
        positive = (matches >= 0).nonzero()[:, 0]
        masked.append(own[positive])
        masked_labels.append(labels_[positive])
        if len(positive):
            wanted = BOX_CODER.encode_single(boxes[matches[positive]], own[positive])
            got = class_codes[first + positive, labels_[positive]]
            boxes_loss = boxes_loss + (got - wanted).abs().sum()
            # Bitmaps: samples of each truth's mask, at least one half.
            regions = torch.cat([torch.arange(len(positive))[:, None].float(), own[positive]], 1)
            masks.append(roi_align(shapes[matches[positive]][:, None], regions, 28, 1.0, 0, True)[:, 0] >= 0.5)
        first += len(own)
    boxes_loss = boxes_loss / len(label)
    scores_of_masks = model.mask_head(model.pooled(maps, masked, 14))
    own = scores_of_masks[torch.arange(len(scores_of_masks)), torch.cat(masked_labels)]
    masks_loss = F.binary_cross_entropy_with_logits(own, torch.cat(masks).float())
    return [objectness / divisor, places / divisor, classes_loss, boxes_loss, masks_loss]


@torch.no_grad()
def detections(model, images, extents, score=0.2, best=8):
    maps = model.maps(images)
    logits, codes = model.rpn(maps)
    found = proposals(logits, codes, anchors(maps), extents)
    scores, deltas = model.box_head(model.pooled(maps, found, 7))
    result, first = [], 0
    for own, (width, height) in zip(found, extents):
        shares = scores[first : first + len(own)].softmax(1)
        code = deltas[first : first + len(own)]
        first += len(own)
        boxes = torch.stack([BOX_CODER.decode_single(code[:, k], own) for k in range(CLASSES)], 1)
        boxes[..., 0::2] = boxes[..., 0::2].clamp(0, width)
        boxes[..., 1::2] = boxes[..., 1::2].clamp(0, height)
        rows = []
        for label in range(CLASSES):
            chosen = (shares[:, label] > score).nonzero()[:, 0]
            kept = chosen[nms(boxes[chosen, label], shares[chosen, label], 0.5)]
            rows += [(shares[i, label], label, boxes[i, label]) for i in kept]
        rows.sort(key=lambda row: -row[0].item())
        result.append(rows[:best])
    masks = model.pooled(maps, [torch.stack([row[2] for row in rows]) for rows in result], 14)
    labels = torch.tensor([row[1] for rows in result for row in rows])
    masks = model.mask_head(masks)[torch.arange(len(labels)), labels].sigmoid()
    return result, labels, masks


def whole(folder, rng):
    model = Detector()
    randomize(model, rng)
    for name, parameter in model.named_parameters():
        if "rel_pos" in name:
            parameter.data.copy_(0.3 * torch.randn(parameter.shape, generator=rng))
        if "anchor_deltas" in name or "bbox_pred" in name:
            parameter.data.mul_(0.3)
    images = torch.randn(3, 3, 32, 32, generator=rng)
    extents = [(32.0, 32.0), (32.0, 24.0), (28.0, 32.0)]
    images[1, :, 24:] = 0
    images[2, :, :, 28:] = 0
    truths = [
        (torch.tensor([[3.0, 4.0, 17.5, 20.0], [12.25, 9.0, 30.0, 30.5]]), torch.tensor([0, 2])),
        (torch.tensor([[5.0, 2.0, 25.0, 22.0]]), torch.tensor([1])),
        (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)),
    ]
    complete = []
    for boxes, classes in truths:
        masks = torch.zeros(len(boxes), 32, 32)
        for mask, box in zip(masks, boxes):
            y, x = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(32) + 0.5, indexing="ij")
            cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            inside = ((x - cx) / (box[2] - box[0])) ** 2 + ((y - cy) / (box[3] - box[1])) ** 2 <= 0.25
            mask.copy_(inside.float())
        complete.append((boxes, classes, masks))
    parts = losses(model, images, complete, extents)
    sum(parts).backward()

    def rename(name):
        for part, other in (
            ("encoder.embeddings.position_embeddings", "backbone.net.pos_embed"),
            ("encoder.embeddings.projection.", "backbone.net.patch_embed.proj."),
            ("encoder.encoder.layer.", "backbone.net.blocks."),
            (".attention.", ".attn."),
        ):
            name = name.replace(part, other)
        return name

    values = {"images": images, "extents": torch.tensor(extents), "losses": torch.stack(parts).detach()}
    for index, (boxes, classes, masks) in enumerate(complete):
        values |= {f"truth.{index}.boxes": boxes, f"truth.{index}.classes": classes, f"truth.{index}.masks": masks}
    values |= {"weight." + rename(k): v for k, v in model.state_dict().items()}
    values |= {"grad." + rename(k): p.grad for k, p in model.named_parameters()}
    found, labels, masks = detections(model, images, extents)
    values |= {
        "found.counts": torch.tensor([len(rows) for rows in found]),
        "found.boxes": torch.stack([row[2] for rows in found for row in rows]),
        "found.scores": torch.stack([row[0] for rows in found for row in rows]),
        "found.labels": labels,
        "found.masks": masks,
    }
    maps = model.maps(images)
    values["anchors"] = torch.cat(anchors(maps))
    values |= {f"map.{index}": x.detach() for index, x in enumerate(maps[2:])}
    values = {k: v for k, v in values.items()}
    write(folder / "whole.safetensors", values)
    print("whole:", [round(x.item(), 4) for x in parts], [len(r) for r in found])
    return dict(name="whole", note="losses: objectness, proposals' boxes, classes, boxes, masks; detections with a score above 0.2, 8 at most")


# -- Box heads in a row -----------------------------------------------------------------------------

SHARES = (0.5, 0.6, 0.7)
CODERS = [BoxCoder((10.0 * k, 10.0 * k, 5.0 * k, 5.0 * k)) for k in (1, 2, 3)]


class Cascade(Detector):
    def __init__(self):
        super().__init__()
        heads = self.roi_heads
        heads.box_head = nn.ModuleList()
        heads.box_predictor = nn.ModuleList()
        for _ in SHARES:
            head, predictor = nn.Module(), nn.Module()
            head.conv1 = Normed(CHANNELS, CHANNELS, 3)
            head.fc1 = nn.Linear(CHANNELS * 49, HIDDEN)
            predictor.cls_score = nn.Linear(HIDDEN, CLASSES + 1)
            predictor.bbox_pred = nn.Linear(HIDDEN, 4)
            heads.box_head.append(head)
            heads.box_predictor.append(predictor)

    def stage(self, x, index):
        head, predictor = self.roi_heads.box_head[index], self.roi_heads.box_predictor[index]
        x = head.fc1(head.conv1(x).relu().flatten(1)).relu()
        return predictor.cls_score(x), predictor.bbox_pred(x)


def clipped(boxes, extent):
    boxes = boxes.clone()
    boxes[..., 0::2] = boxes[..., 0::2].clamp(0, extent[0])
    boxes[..., 1::2] = boxes[..., 1::2].clamp(0, extent[1])
    return boxes


def matched(own, boxes, classes, share):
    if len(boxes):
        matches = Matcher(share, share, allow_low_quality_matches=False)(box_iou(boxes, own))
        return matches, torch.where(matches >= 0, classes[matches.clamp(min=0)], CLASSES)
    return torch.full((len(own),), -1), torch.full((len(own),), CLASSES)


def cascade_losses(model, maps, regions, truths, extents):
    """Errors of each head; regions are the proposals with the true boxes."""
    losses, counts = [], []
    for index, share in enumerate(SHARES):
        found = [matched(own, *truth[:2], share) for own, truth in zip(regions, truths)]
        x = model.pooled(maps, regions, 7)
        # The gradient of what is pooled is a third of the heads'.
        x = x.detach() + (x - x.detach()) / len(SHARES)
        scores, codes = model.stage(x, index)
        labels = torch.cat([label for _, label in found])
        classes_loss = F.cross_entropy(scores, labels)
        boxes_loss, first = 0, 0
        for own, (matches, _), (boxes, _, _) in zip(regions, found, truths):
            positive = (matches >= 0).nonzero()[:, 0]
            if len(positive):
                wanted = CODERS[index].encode_single(boxes[matches[positive]], own[positive])
                boxes_loss = boxes_loss + (codes[first + positive] - wanted).abs().sum()
            first += len(own)
        losses.append((classes_loss, boxes_loss / len(labels)))
        counts.append(sum((matches >= 0).sum().item() for matches, _ in found))
        moved = CODERS[index].decode_single(codes.detach(), torch.cat(regions))
        parts = moved.split([len(own) for own in regions])
        regions = [clipped(part, extent) for part, extent in zip(parts, extents)]
        regions = [own[(own[:, 2] > own[:, 0]) & (own[:, 3] > own[:, 1])] for own in regions]
    return losses, counts


@torch.no_grad()
def cascade_detections(model, maps, found, extents, score=0.2, best=8):
    regions, shares = found, 0
    for index in range(len(SHARES)):
        scores, codes = model.stage(model.pooled(maps, regions, 7), index)
        shares = shares + scores.softmax(1) / len(SHARES)
        moved = CODERS[index].decode_single(codes, torch.cat(regions))
        parts = moved.split([len(own) for own in regions])
        regions = [clipped(part, extent) for part, extent in zip(parts, extents)]
    result, first = [], 0
    for own in regions:
        share = shares[first : first + len(own)]
        first += len(own)
        rows = []
        for label in range(CLASSES):
            chosen = (share[:, label] > score).nonzero()[:, 0]
            kept = chosen[nms(own[chosen], share[chosen, label], 0.5)]
            rows += [(share[i, label], label, own[i]) for i in kept]
        rows.sort(key=lambda row: -row[0].item())
        result.append(rows[:best])
    return result


def cascade(folder, rng):
    model = Cascade()
    randomize(model, rng)
    for name, parameter in model.named_parameters():
        if "rel_pos" in name:
            parameter.data.copy_(0.3 * torch.randn(parameter.shape, generator=rng))
        if "anchor_deltas" in name or "bbox_pred" in name:
            parameter.data.mul_(0.3)
    images = torch.randn(2, 3, 32, 32, generator=rng)
    extents = [(32.0, 32.0), (32.0, 24.0)]
    images[1, :, 24:] = 0
    maps = model.maps(images)
    logits, codes = model.rpn(maps)
    found = proposals(logits, codes, anchors(maps), extents)

    def near(image, places):
        # Objects that proposals meet more or less well.
        boxes = sorted(found[image], key=lambda b: -((b[2] - b[0]) * (b[3] - b[1])).item())
        return torch.stack([boxes[place] for place in places]) * 0.93 + 0.6

    truths = [
        (near(0, (0, 7, 12)), torch.tensor([0, 2, 1]), None),
        (near(1, (2, 9)), torch.tensor([1, 0]), None),
    ]
    regions = []
    for own, (boxes, classes, _) in zip(found, truths):
        own = torch.cat([own, boxes])
        matches, _ = matched(own, boxes, classes, SHARES[0])
        order = torch.cat([(matches >= 0).nonzero()[:, 0], (matches < 0).nonzero()[:, 0]])
        regions.append(own[order])
    parts, counts = cascade_losses(model, maps, regions, truths, extents)
    sum(a + b for a, b in parts).backward()
    prefix = lambda name: name.replace("encoder.embeddings.position_embeddings", "backbone.net.pos_embed").replace(
        "encoder.embeddings.projection.", "backbone.net.patch_embed.proj."
    ).replace("encoder.encoder.layer.", "backbone.net.blocks.").replace(".attention.", ".attn.")
    values = {"images": images, "extents": torch.tensor(extents)}
    values["losses"] = torch.stack([torch.stack(pair) for pair in parts]).detach()
    for index, (boxes, classes, _) in enumerate(truths):
        values |= {f"truth.{index}.boxes": boxes, f"truth.{index}.classes": classes}
    values |= {"weight." + prefix(k): v for k, v in model.state_dict().items() if "mask_head" not in k}
    values |= {"grad." + prefix(k): p.grad for k, p in model.named_parameters() if "box" in k or "simfp_4" in k}
    rows = cascade_detections(model, maps, found, extents)
    values |= {
        "found.counts": torch.tensor([len(own) for own in rows]),
        "found.boxes": torch.stack([row[2] for own in rows for row in own]),
        "found.scores": torch.stack([row[0] for own in rows for row in own]),
        "found.labels": torch.tensor([row[1] for own in rows for row in own]),
    }
    write(folder / "cascade.safetensors", values)
    print("cascade:", [[round(x.item(), 4) for x in pair] for pair in parts], counts, [len(own) for own in rows])
    return dict(
        name="cascade",
        note="errors of the box heads alone, with the gradients of heads and of a part of the pyramid; "
        "detections with a score above 0.2, 8 at most",
    )


def main():
    folder = output_folder("detection")
    rng = generator(SEED)
    makers = (regions, suppression, boxes, matching, top_down, heads, pasting, whole, cascade)
    cases = [make(folder, rng) for make in makers]
    write_manifest(
        folder,
        __file__,
        ["torchvision", "transformers", "safetensors"],
        SEED,
        {"absolute": 2e-5, "relative": 2e-5, "ofLargest": 1e-5},
        cases,
        notes=[
            "whole: losses, anchors, targets, levels and the pyramid are computed by the rules of ViTDet's code, "
            "as torchvision's differ (β, divisors, rounded anchors, background as class 0)",
            "cascade: the rules are those of detectron2's CascadeROIHeads, computed here; no peer has them",
        ],
    )


main()
