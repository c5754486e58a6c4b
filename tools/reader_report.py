"""Report on the face reader: landmarks, regions, pose, misses, false alarms, small faces.

    python tools/reader_report.py PACK DATA [--reader FILE] [--device cuda] > report.md

PACK holds test.npz of tools/reader_labels.py (and negatives.npz), DATA the test clips. People of
the test clips are in no training. Truth is the teachers' reading: the 478-point mesh reduced to 68.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from reenact.data.decode import decode_clip
from reenact.data.pairs import to_unit_range
from reenact.layers.rotation import euler_from_vector
from reenact.perception.mesh import LANDMARKS_68, outline_box
from reenact.perception.reader import FaceReader, load_reader, overlap
from reenact.records import NUM_REGIONS, REGIONS, FloatArray, Image
from reenact.training.reader.inspection import overlap_counts
from reenact.training.reader.store import Labelled, read_labelled, read_negatives

# fmt: off
PHOTOGRAPHS = (
    "brick", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "horse",
    "hubble_deep_field", "immunohistochemistry", "logo", "moon", "page", "rocket", "text",
    "checkerboard",
)
# fmt: on
"""Pictures of scikit-image that show no human face and come with it."""
YAW_BINS = (0, 10, 20, 30, 40, 90)
SMALL = (0.15, 0.18, 0.25)
"""Heights of small faces as shares of the picture's."""


@dataclass
class Tally:
    """Errors in % of the diagonal of the mesh box, one per face found, and how many were missed."""

    errors: list[float]
    missed: int = 0

    def row(self, name: str) -> str:
        """One line of the table."""
        count = len(self.errors) + self.missed
        if not self.errors:
            return f"| {name} | {count} | 100.0 | - | - | - |"
        mean, middle, worst = np.mean(self.errors), *np.percentile(self.errors, (50, 95))
        share = 100 * self.missed / count
        return f"| {name} | {count} | {share:.1f} | {mean:.2f} | {middle:.2f} | {worst:.2f} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report to stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--reader", type=Path, help="weights file (the shipped one)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--split", default="test")
    parser.add_argument("--every", type=int, default=1, help="use every n-th labelled frame")
    options = parser.parse_args(arguments)
    reader = load_reader(options.reader, options.device)
    data = read_labelled(options.pack / f"{options.split}.npz", options.data)
    data = data.take(np.arange(0, len(data.names), options.every))
    photographs = list(photographs_without_faces())
    unseen = held_out(options.pack / "negatives.npz")
    canvases = photographs or unseen
    say("## Landmarks\n\n| faces | pictures | missed % | mean % | median % | 95th % |")
    say("|---|---|---|---|---|---|")
    say(crops(reader, data).row("crops"))
    for share in SMALL:
        say(small(reader, data, share, canvases).row(f"{share:.0%} of the height"))
    regions(reader, data)
    pose(reader, data)
    steadiness(reader, options.data, data)
    alarms(reader, photographs, unseen)


def say(line: str) -> None:
    """Print a line of the report at once."""
    print(line, flush=True)


def crops(reader: FaceReader, data: Labelled) -> Tally:
    """Every labelled frame as it is, read from scratch."""
    tally = Tally([])
    for image, mesh in zip(data.images, data.landmarks, strict=True):
        compare(reader, image, mesh[:, :2].astype(np.float64), tally)
    return tally


def small(reader: FaceReader, data: Labelled, share: float, canvases: Sequence[Image]) -> Tally:
    """Every fourth frame, shrunk and laid somewhere on a photograph without a face."""
    tally, chance = Tally([]), np.random.default_rng(0)
    for row in range(0, len(data.names), 4):
        canvas = cv2.resize(canvases[row % len(canvases)], (854, 480))
        mesh = data.landmarks[row, :, :2].astype(np.float64)
        box = outline_box(mesh)
        side = round(256 * share * 480 / float(box[3] - box[1]))
        if side >= 480:
            continue
        x, y = (int(chance.integers(0, limit - side + 1)) for limit in (854, 480))
        patch = cv2.resize(data.images[row], (side, side), interpolation=cv2.INTER_AREA)
        canvas[y : y + side, x : x + side] = patch
        compare(reader, canvas, mesh * (side / 256) + (x, y), tally)
    return tally


def compare(reader: FaceReader, image: Image, mesh: FloatArray, tally: Tally) -> None:
    """Read one picture whose only face has this mesh (478, 2)."""
    box = outline_box(mesh)
    faces = [face for face in reader.read(image) if overlap(face.box, box) > 0.3]
    if not faces:
        tally.missed += 1
        return
    best = max(faces, key=lambda face: overlap(face.box, box))
    distance = np.linalg.norm(best.landmarks[:68] - mesh[list(LANDMARKS_68)], axis=1).mean()
    tally.errors.append(100 * float(distance) / float(np.linalg.norm(box[2:] - box[:2])))


def regions(reader: FaceReader, data: Labelled) -> None:
    """Intersection over union of the regions, over all frames."""
    common, union = torch.zeros(2, NUM_REGIONS + 1, dtype=torch.float64)
    for images, labels in batches(reader, data):
        overlap_counts(reader.parse(images).labels.cpu(), torch.from_numpy(labels), common, union)
    say("\n## Regions\n\n| region | IoU |\n|---|---|")
    for region, name in enumerate(("the rest", *REGIONS)):
        taught = bool((data.labels == region).any())
        say(f"| {name} | {f'{common[region] / union[region]:.3f}' if taught else 'no teacher'} |")


def pose(reader: FaceReader, data: Labelled) -> None:
    """Error of yaw, pitch and roll in mesh degrees, by the yaw of the teachers."""
    codes = torch.cat([reader.encode(x).cpu() for x, _ in batches(reader, data)])
    read = codes.numpy()
    errors = np.abs(euler_from_vector(codes[:, :3].double()).numpy() - data.pose)
    errors = np.minimum(errors, 360 - errors)
    say("\n## Pose\n\n| mesh yaw | frames | yaw | pitch | roll |\n|---|---|---|---|---|")
    for low, high in pairwise(YAW_BINS):
        inside = (np.abs(data.pose[:, 0]) >= low) & (np.abs(data.pose[:, 0]) < high)
        if inside.any():
            yaw, pitch, roll = errors[inside].mean(axis=0)
            say(f"| {low}-{high} | {inside.sum()} | {yaw:.2f} | {pitch:.2f} | {roll:.2f} |")
    jaw = np.abs(read[:, 3:] - data.jaw).mean(axis=0)
    say(f"\nJaw open, sideways, forward: mean error {jaw[0]:.3f}, {jaw[1]:.3f}, {jaw[2]:.3f}.")


def steadiness(reader: FaceReader, root: Path, data: Labelled) -> None:
    """Second difference of the angles over successive frames: how much the reading trembles."""
    jumps = []
    for name in sorted(set(data.names))[::3]:
        frames = decode_clip(root / f"{name}.mp4", 256)[:100]
        codes = reader.encode(to_unit_range(frames.to(device_of(reader)))).cpu()
        angles = euler_from_vector(codes[:, :3].double()).numpy()
        jumps.append(np.abs(np.diff(angles, n=2, axis=0)).mean(axis=0))
    yaw, pitch, roll = np.mean(jumps, axis=0)
    say(
        f"\nMean second difference from frame to frame: {yaw:.2f}, {pitch:.2f}, {roll:.2f} degrees."
    )


def alarms(reader: FaceReader, photographs: Sequence[Image], unseen: Sequence[Image]) -> None:
    """Faces reported where there are none."""
    say("\n## False alarms\n")
    for name, pictures in (("scikit-image", photographs), ("kept out of training", unseen)):
        wrong = sum(bool(reader.read(picture)) for picture in pictures)
        say(f"{name}: {wrong} of {len(pictures)} pictures.\n")


def held_out(negatives: Path) -> list[Image]:
    """The last eighth of the photographs without a face, which is in no training."""
    if not negatives.is_file():
        return []
    pictures = read_negatives(negatives, torch.device("cpu")).permute(0, 2, 3, 1).numpy()
    return [np.ascontiguousarray(image) for image in pictures[-max(1, len(pictures) // 8) :]]


def photographs_without_faces() -> Iterator[Image]:
    """What scikit-image ships, as RGB; nothing where it is not installed."""
    if find_spec("skimage") is None:
        return
    from skimage import data

    for name in PHOTOGRAPHS:
        try:
            picture = np.asarray(getattr(data, name)())
        except (OSError, ModuleNotFoundError) as error:
            print(f"{name}: left out ({error})", file=sys.stderr)
            continue
        if picture.dtype == bool:
            picture = picture.astype(np.uint8) * 255
        if picture.ndim == 2:
            picture = np.repeat(picture[..., None], 3, axis=2)
        yield np.ascontiguousarray(picture[..., :3].astype(np.uint8))


def batches(
    reader: FaceReader, data: Labelled, size: int = 32
) -> Iterator[tuple[torch.Tensor, NDArray[np.uint8]]]:
    """Crops (B, 3, 256, 256) in [0, 1] on the reader's device, and their labels."""
    for start in range(0, len(data.names), size):
        images = torch.from_numpy(data.images[start : start + size]).permute(0, 3, 1, 2)
        yield to_unit_range(images.to(device_of(reader))), data.labels[start : start + size]


def device_of(reader: FaceReader) -> torch.device:
    """Where the reader's weights are."""
    return next(reader.parameters()).device


if __name__ == "__main__":
    main()
