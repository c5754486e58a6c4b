"""Make the training pack of the face reader: labels for every few frames, by teacher networks.

    REENACT_WEIGHTS=ASSETS python tools/reader_labels.py DATA PACK

writes PACK/train.npz, PACK/test.npz and PACK/stills.npz. Each holds N crops: the parsing as PNG
(`bytes` (M,) uint8, one picture after another, and `offsets` (N+1,)), `clip` and `identity` (N,)
names, `frame` (N,), `square` (N, 3) x0, y0, side of the crop in the file's pixels, `landmarks`
(N, 478, 3) float16 in pixels of the 256 x 256 crop, `pose` (N, 3) in mesh degrees, `expression`
(N, 52), and `pose_code` (N, 6). A clip's crop is its picture; a still is cropped again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from reenact.data.clips import Footage, find_clips, find_stills
from reenact.data.decode import decode_clip, decode_still
from reenact.data.sidecar import read_sidecar
from reenact.data.teachers import (
    Teachers,
    load_teachers,
    parse_head,
    pose_codes,
    read_expressions,
    weights_folder,
)
from reenact.perception.cropping import CROP_SIZE, crop_square
from reenact.perception.mesh import outline_box
from reenact.records import FloatArray, Image

MIN_CROP = 0.2
"""Least side of a crop as a share of the picture's height; smaller ones are reading errors."""


@dataclass(frozen=True)
class Sample:
    """One labelled crop."""

    clip: str
    identity: str
    frame: int
    square: FloatArray
    mesh: FloatArray
    pose: FloatArray
    parsing: NDArray[np.uint8]


def label_footage(
    teachers: Teachers, item: Footage, part: str, still: bool, step: int
) -> Iterator[Sample]:
    """Every few frames of one clip, or the still, with its parsing."""
    readings = read_sidecar(item.sidecar)
    whole = np.array([0.0, 0.0, float(CROP_SIZE)])
    frames = decode_still(item.path).unsqueeze(0) if still else decode_clip(item.path, CROP_SIZE)
    for index in range(0, min(len(frames), len(readings)), step):
        mesh, pose = readings.landmarks[index], readings.pose[index]
        if not (np.isfinite(mesh).all() and np.isfinite(pose).all()):
            continue
        picture: Image = np.ascontiguousarray(frames[index].permute(1, 2, 0).numpy())
        square = crop_square(outline_box(mesh)) if still else whole
        if square[2] < MIN_CROP * picture.shape[0]:
            continue
        parsing = parse_head(teachers, picture, mesh, float(pose[0]), square)
        scale = CROP_SIZE / square[2]
        moved = (mesh - (square[0], square[1], 0.0)) * scale
        name = f"{part}/{item.name}"
        yield Sample(name, item.identity, index, square, moved, pose, parsing)


def write_pack(path: Path, samples: Sequence[Sample], teachers: Teachers) -> None:
    """One npz for a split; see the head of this file."""
    pictures = [
        cv2.imencode(".png", s.parsing, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1] for s in samples
    ]
    meshes = np.stack([s.mesh for s in samples])
    poses = np.stack([s.pose for s in samples]).astype(np.float32)
    # One mesh at a time: the scores must not depend on what else is in the batch.
    expressions = np.concatenate([read_expressions(teachers, mesh[None]) for mesh in meshes])
    np.savez_compressed(
        path,
        bytes=np.concatenate([p.ravel() for p in pictures]),
        offsets=np.cumsum([0, *(len(p) for p in pictures)]),
        clip=np.array([s.clip for s in samples]),
        identity=np.array([s.identity for s in samples]),
        frame=np.array([s.frame for s in samples], dtype=np.int32),
        square=np.stack([s.square for s in samples]).astype(np.float32),
        landmarks=meshes.astype(np.float16),
        pose=poses,
        expression=expressions.astype(np.float32),
        pose_code=pose_codes(poses, expressions),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Label all splits of a folder laid out like the development data."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=8, help="take every n-th frame of a clip")
    parser.add_argument("--weights", type=Path, help="folder of the teachers (REENACT_WEIGHTS)")
    options = parser.parse_args(arguments)
    teachers = load_teachers(weights_folder(options.weights))
    options.out.mkdir(parents=True, exist_ok=True)
    parts = {
        "stills": ("stills", find_stills(options.data), True),
        "test": ("clips/test", find_clips(options.data, "test"), False),
        "train": ("clips/train", find_clips(options.data, "train"), False),
    }
    for name, (part, footage, still) in parts.items():
        begin = time.monotonic()
        samples: list[Sample] = []
        for number, item in enumerate(footage, 1):
            samples.extend(label_footage(teachers, item, part, still, options.every))
            if number % 50 == 0:
                spent = time.monotonic() - begin
                print(f"{name}: {number}/{len(footage)}, {spent:.0f} s", file=sys.stderr)
        write_pack(options.out / f"{name}.npz", samples, teachers)
        print(f"{name}: {len(samples)} crops", file=sys.stderr)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
