"""Make the pack of pictures without a face that the detector is trained against.

    python tools/reader_negatives.py OUT.npz FOLDER [FOLDER ...] --weights ASSETS

takes pictures below the folders (wallpapers, objects; cut-outs with transparency are laid on other
pictures), crops squares of them at random, drops those in which a face detector finds anything,
and writes JPEGs of 320 x 320: `bytes` (M,) uint8 one after another, and `offsets` (N+1,).
Look at the sheet it writes beside the pack before training: detectors overlook faces.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from reenact.data.teachers import weights_folder
from reenact.perception.graph import GraphNetwork, load_graph

SIZE = 320
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MIN_SIDE = 120
FACE_LOGIT = 3.0
"""Above this logit the best box counts as a face; animals and textures stay below it."""

Picture = NDArray[np.uint8]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pack and its contact sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, help="folder of the teachers (REENACT_WEIGHTS)")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--skip", nargs="*", default=[], help="leave out paths containing this")
    parser.add_argument("--drop", type=int, nargs="*", default=[], help="crops not to write")
    options = parser.parse_args(arguments)
    folder = weights_folder(options.weights) / "mediapipe_face_landmarker"
    detector = load_graph(folder, "face_detector")
    crops: list[Picture] = []
    for crop in squares(find_pictures(options.folders, options.skip), np.random.default_rng(0)):
        if best_face(detector, crop) < FACE_LOGIT:
            crops.append(crop)
        if len(crops) == options.count:
            break
    kept = [crop for index, crop in enumerate(crops) if index not in options.drop]
    write(options.out, kept)
    write_sheet(options.out.with_suffix(".png"), crops)
    print(f"{len(kept)} crops, {options.out.stat().st_size / 2**20:.1f} MiB")


def find_pictures(folders: Sequence[Path], skip: Sequence[str]) -> list[Path]:
    """All pictures below the folders but those to skip, sorted."""
    found = [p for f in folders for p in f.rglob("*") if p.suffix.lower() in SUFFIXES]
    return sorted(p for p in found if not p.is_symlink() and not any(s in str(p) for s in skip))


def squares(paths: Sequence[Path], rng: np.random.Generator) -> Iterator[Picture]:
    """Random squares of random pictures, again and again, until the caller has enough."""
    while True:
        for index in rng.permutation(len(paths)):
            picture = cv2.imread(str(paths[index]), cv2.IMREAD_UNCHANGED)
            if picture is None or picture.dtype != np.uint8 or min(picture.shape[:2]) < MIN_SIDE:
                continue
            if picture.ndim == 3 and picture.shape[2] == 4:
                behind = cv2.imread(str(paths[rng.integers(len(paths))]), cv2.IMREAD_COLOR)
                if behind is None or min(behind.shape[:2]) < MIN_SIDE:
                    continue
                yield lay(picture, random_square(behind, rng), rng)
            else:
                colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture
                square = random_square(colour, rng)
                if square.std() > 4:
                    yield square


def random_square(picture: Picture, rng: np.random.Generator) -> Picture:
    """A square of a picture at 320 x 320, between a third of it and all."""
    short = min(picture.shape[:2])
    side = int(rng.uniform(max(0.35, min(1.0, 200 / short)), 1.0) * short)
    top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    square = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def lay(cutout: Picture, behind: Picture, rng: np.random.Generator) -> Picture:
    """A cut-out with transparency over a square, at most as large as it."""
    scale = rng.uniform(0.4, 1.0) * SIZE / max(cutout.shape[:2])
    small = cv2.resize(cutout, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    top, left = int(rng.integers(0, SIZE - height + 1)), int(rng.integers(0, SIZE - width + 1))
    alpha = small[..., 3:].astype(np.float32) / 255
    place = behind[top : top + height, left : left + width]
    mixed = place * (1 - alpha) + small[..., :3] * alpha
    behind = behind.copy()
    behind[top : top + height, left : left + width] = mixed.round().astype(np.uint8)
    return behind


@torch.inference_mode()
def best_face(detector: GraphNetwork, picture: Picture) -> float:
    """Highest logit of any box, at two sizes."""
    small = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    quarters = [picture[y : y + 160, x : x + 160] for y in (0, 160) for x in (0, 160)]
    views = [small, *(cv2.resize(q, (128, 128), interpolation=cv2.INTER_AREA) for q in quarters)]
    x = torch.from_numpy(np.stack(views)[..., ::-1].copy()).permute(0, 3, 1, 2).float()
    return float(detector(x / 127.5 - 1)[1].max())


def write(path: Path, crops: Sequence[Picture]) -> None:
    """JPEGs in one npz; not compressed again."""
    files = [
        cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].ravel() for crop in crops
    ]
    np.savez(path, bytes=np.concatenate(files), offsets=np.cumsum([0, *map(len, files)]))


def write_sheet(path: Path, crops: Sequence[Picture], columns: int = 20) -> None:
    """All crops, small and numbered."""
    small = [cv2.resize(crop, (80, 80), interpolation=cv2.INTER_AREA) for crop in crops]
    for index, tile in enumerate(small):
        cv2.putText(tile, str(index), (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 255), 1)
    small += [np.zeros_like(small[0])] * (-len(small) % columns)
    rows = [np.hstack(small[i : i + columns]) for i in range(0, len(small), columns)]
    cv2.imwrite(str(path), np.vstack(rows))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
