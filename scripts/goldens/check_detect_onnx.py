"""Checks that onnxruntime finds with an exported detector what `mae detect predict` finds.

    python check_detect_onnx.py goldens .build/debug/mae
        the detectors of Goldens/detection (one with masks, one with three box heads in a row) on
        pictures of noise: as they are, where nothing is found, where nothing is even proposed, and
        with all scores equal. Needs requirements-onnx.txt only; check_onnx.py does the same.

    python check_detect_onnx.py run .build/debug/mae RUN PICTURE...
        a run folder of `mae detect train`, or a file in ViTDet's names, on pictures. Needs Pillow.

Boxes have to be within 0.01 pixels, scores within 1e-4, in the same order; masks are put into the picture
here, and a pixel may differ only where its share is within 1e-3 of one half. Ends with status 1 otherwise.
"""

import json
import pathlib
import struct
import sys
import tempfile
import zlib

import numpy

from check_onnx import GOLDENS, Program, load_file, save_file


def write_png(pixels, path):
    """Writes [rows, columns, 3] of bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows, columns, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    pathlib.Path(path).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def prepared(picture, session):
    """The network's inputs of a picture whose longer side is the network's, and pixels of the picture
    in one of the square's."""
    inputs = {value.name: value.shape for value in session.get_inputs()}
    metadata = session.get_modelmeta().custom_metadata_map
    side = inputs["pixel_values"][2]
    rows, columns, _ = picture.shape
    gray = metadata["padding"] == "gray"
    square = numpy.full((side, side, 3), 128, "u1")
    square[:rows, :columns] = picture
    mean, std = (numpy.array(json.loads(metadata[key]), "f4") for key in ("image_mean", "image_std"))
    values = (square.astype("f4") / 255 - mean) / std
    if not gray:
        values[rows:], values[:, columns:] = 0, 0
    feeds = {"pixel_values": values.transpose(2, 0, 1)[None].astype("f4")}
    if "image_size" in inputs:
        feeds["image_size"] = numpy.array([rows, columns], "f4")
    return feeds


def pasted(mask, box, rows, columns):
    """Shares of a mask at the centres of a picture's pixels, 0 outside of the box."""
    side = mask.shape[0]

    def matrix(count, low, high):
        places = (numpy.arange(count, dtype="f4") + 0.5 - low) / (high - low) * side - 0.5
        return numpy.maximum(1 - abs(places[:, None] - numpy.arange(side, dtype="f4")), 0)

    x0, y0, x1, y1 = box
    return matrix(rows, y0, y1) @ mask @ matrix(columns, x0, x1).T


def pixels_of(segmentation):
    """COCO's compressed run lengths as [rows, columns] of 0 and 1."""
    rows, columns = segmentation["size"]
    counts, text, place = [], segmentation["counts"], 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            code = ord(text[place]) - 48
            value |= (code & 31) << shift
            more, shift, place = code & 32, shift + 5, place + 1
            if not more and code & 16:
                value |= -1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    line = numpy.concatenate([numpy.full(count, index % 2) for index, count in enumerate(counts)])
    return line.reshape(columns, rows).T


def check(mae, model, pictures, label, least=0, most=None, equal=False):
    """Exports a detector and compares what is found on pictures, by name."""
    import onnxruntime

    path = mae.place / f"{label}.onnx"
    mae("detect", "export", model, "--format", "onnx", "--out", path)
    try:
        import onnx

        onnx.checker.check_model(str(path), full_check=True)
    except ModuleNotFoundError:
        pass
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    categories = json.loads(session.get_modelmeta().custom_metadata_map["categories"])
    files = {}
    for name, picture in pictures.items():
        files[name] = mae.place / f"{label}-{name}.png"
        write_png(picture, files[name])
    listed = mae.place / f"{label}.json"
    mae("detect", "predict", model, *files.values(), "--out", listed)
    ours = json.loads(listed.read_text())
    box_gap = score_gap = 0.0
    count = differing = 0
    for name, picture in pictures.items():
        found = dict(zip(names, session.run(names, prepared(picture, session))))
        wanted = [entry for entry in ours if pathlib.Path(entry["image_id"]).stem == f"{label}-{name}"]
        ids = [categories[index]["id"] for index in found["labels"]]
        if ids != [entry["category_id"] for entry in wanted]:
            sys.exit(f"  {label} {name}: {ids}, expected {[e['category_id'] for e in wanted]}")
        for index, entry in enumerate(wanted):
            x, y, width, height = entry["bbox"]
            gap = abs(found["boxes"][index] - numpy.array([x, y, x + width, y + height])).max()
            box_gap = max(box_gap, float(gap))
            score_gap = max(score_gap, abs(float(found["scores"][index]) - entry["score"]))
            if "masks" in found:
                rows, columns, _ = picture.shape
                shares = pasted(found["masks"][index], found["boxes"][index], rows, columns)
                other = (shares >= 0.5) != (pixels_of(entry["segmentation"]) == 1)
                differing += int(other.sum())
                if (abs(shares - 0.5)[other] > 1e-3).any():
                    sys.exit(f"  {label} {name}: the mask of object {index} differs")
        if equal and len(set(found["scores"].tolist())) > 1:
            sys.exit(f"  {label} {name}: scores are not equal, so that nothing is shown")
        count += len(wanted)
    print(
        f"{label}: {count} objects on {len(pictures)} pictures; boxes {box_gap:.3e}, scores "
        f"{score_gap:.3e}, {differing} pixels of masks differ")
    if not (box_gap <= 1e-2 and score_gap <= 1e-4 and least <= count <= (most or 1e9)):
        sys.exit("  WRONG")


def noise(side, count):
    """Pictures of coarse noise; the second one leaves a part of the square empty."""
    rng = numpy.random.default_rng(3)
    pictures = {}
    for index in range(count):
        rows, columns = (side, side) if index != 1 else (side - 11, side)
        coarse = rng.integers(0, 256, [rows // 4 + 1, columns // 4 + 1, 3], "u1")
        pictures[str(index)] = numpy.ascontiguousarray(
            coarse.repeat(4, 0).repeat(4, 1)[:rows, :columns])
    return pictures


def check_operators():
    """onnxruntime's operators against torchvision's of the goldens: regions, beyond the edges too; boxes
    with equal scores; and what shares exactly the bound, or has exactly the least score."""
    try:
        from onnx import TensorProto, helper
    except ModuleNotFoundError:
        print("onnx is not installed: operators are not checked one by one")
        return
    import onnxruntime

    def run(kind, inputs, **attributes):
        types = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
        result = TensorProto.INT64 if kind == "NonMaxSuppression" else TensorProto.FLOAT
        graph = helper.make_graph(
            [helper.make_node(kind, list(inputs), ["found"], **attributes)], kind,
            [helper.make_tensor_value_info(name, types[str(value.dtype)], value.shape)
             for name, value in inputs.items()],
            [helper.make_tensor_value_info("found", result, None)])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, inputs)[0]

    golden = load_file(GOLDENS / "detection" / "regions.safetensors")
    images = numpy.array([0] * 7 + [1] * 9, "i8")
    found = run(
        "RoiAlign", {"map": golden["map"], "boxes": golden["boxes"], "images": images},
        output_height=7, output_width=7, sampling_ratio=0, spatial_scale=0.25, mode="avg",
        coordinate_transformation_mode="half_pixel")
    gap = float(abs(found - golden["aligned.out"]).max())
    print(f"RoiAlign: {list(found.shape)} {gap:.3e}")
    if not gap <= 1e-5:
        sys.exit("  WRONG")

    def kept(boxes, scores, overlap, least):
        inputs = {
            "boxes": boxes[None], "scores": scores[None, None], "count": numpy.array([99], "i8"),
            "overlap": numpy.array([overlap], "f4"), "least": numpy.array([least], "f4")}
        return run("NonMaxSuppression", inputs)[:, 2].tolist()

    golden = load_file(GOLDENS / "detection" / "suppression.safetensors")
    for overlap in ("0.3", "0.5", "0.7"):
        wanted = golden["kept." + overlap].tolist()
        if kept(golden["boxes"], golden["scores"], float(overlap), -1) != wanted:
            sys.exit(f"NonMaxSuppression at {overlap}: WRONG")
    # The second shares one half with the first exactly, the third more, the last has the bound as score.
    boxes = numpy.array([[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 4, 3], [8, 8, 9, 9]], "f4")
    found = kept(boxes, numpy.array([0.9, 0.8, 0.7, 0.25], "f4"), 0.5, 0.25)
    print(f"NonMaxSuppression: torchvision's; at the bounds {found}")
    if found != [0, 1]:
        sys.exit("  WRONG")


def check_goldens(mae):
    """The detectors of the goldens, and changes of them."""
    check_operators()
    changes = {
        "": {},
        # Every score is the bias's: only the order of anchors, regions and classes is left.
        "-equal": {"objectness_logits.weight": 0, "cls_score.weight": 0, "cls_score.bias": 0},
        # Background wins everywhere.
        "-nothing": {"cls_score.weight": 0, "cls_score.bias": numpy.array([0, 0, 0, 30], "f4")},
        # Every box lies beyond the picture and has no size within it.
        "-no-proposals": {
            "anchor_deltas.weight": 0,
            "anchor_deltas.bias": numpy.tile(numpy.array([-1000, -1000, 0, 0], "f4"), 3)},
    }
    for case in ("whole", "cascade"):
        golden = load_file(GOLDENS / "detection" / f"{case}.safetensors")
        weights = {name[7:]: array for name, array in golden.items() if name.startswith("weight.")}
        for change, values in changes.items():
            changed = {
                name: next(
                    (array * 0 + value for end, value in values.items() if name.endswith(end)), array)
                for name, array in weights.items()}
            path = mae.place / f"{case}{change}.safetensors"
            save_file(changed, path)
            isEmpty = change.startswith("-no")
            check(
                mae, path, noise(32, 4), f"{case}{change}", least=0 if isEmpty else 20,
                most=0.5 if isEmpty else None, equal=change == "-equal")


def main():
    mode, mae = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as place:
        program = Program(mae, place)
        if mode == "goldens":
            check_goldens(program)
        elif mode == "run":
            from PIL import Image

            model, *pictures = sys.argv[3:]
            loaded = {
                str(index): numpy.array(Image.open(path).convert("RGB"))
                for index, path in enumerate(pictures)}
            loaded["blank"] = numpy.full_like(loaded["0"], 128)
            check(program, model, loaded, "run")
        else:
            sys.exit(__doc__)
    print("all agree")


if __name__ == "__main__":
    main()
