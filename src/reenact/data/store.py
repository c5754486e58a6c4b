"""All footage of a run in the memory of its device: uint8 pictures and their readings.

Half an hour of 256-pixel clips with parsing takes some 10 GB. Decoding happens once, at the start;
drawing a pair afterwards is a lookup that never touches the host.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from reenact.data.clips import Footage
from reenact.data.decode import decode_clip, decode_still
from reenact.data.pairs import in_picture, normalize_points, resize_labels
from reenact.data.readings import READ_BATCH, ReadAhead, Readers, read_pictures
from reenact.data.sidecar import PARSING_SIZE, SideCar, read_sidecar
from reenact.data.tracks import Tracks, follow_shoulders
from reenact.data.visibility import mesh_triangles, visible_points
from reenact.layers.grid import identity_grid, sample
from reenact.perception.cropping import crop_square
from reenact.perception.mesh import CHIN, outline_box
from reenact.records import Record

_LOG = logging.getLogger(__name__)
_Item = TypeVar("_Item")


@dataclass(frozen=True, eq=False)
class Identities(Record):
    """Which items show whom; lets every person be drawn equally often."""

    items: Tensor
    """(I, M) int64 item numbers of each person, padded with the person's first."""
    counts: Tensor
    """(I,) int64 items of each person."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Numbers (count,) of items: a person first, then one of the person's items."""
        chance = torch.rand(2, count, generator=generator, device=self.counts.device)
        person = scaled(chance[0], torch.full_like(self.counts[:1], len(self.counts)))
        return self.items[person, scaled(chance[1], self.counts[person])]


@dataclass(frozen=True, eq=False)
class ClipStore(Record):
    """F frames of C clips, one after the other."""

    frames: Tensor
    """(F, 3, S, S) uint8 RGB."""
    parsing: Tensor
    """(F, S, S) uint8 labels."""
    pose: Tensor
    """(F, P) float32 pose code as read."""
    points: Tensor
    """(F, L, 2) float32 mesh, then the tracks of the shoulders if followed; 0 where unknown."""
    visible: Tensor
    """(F, L) bool: turned to the camera and inside the picture; for tracks, known."""
    starts: Tensor
    """(C,) int64 number of each clip's first frame."""
    lengths: Tensor
    """(C,) int64 frames of each clip."""
    identities: Identities
    names: tuple[str, ...]

    @property
    def device(self) -> torch.device:
        """Where the frames are."""
        return self.frames.device


@dataclass(frozen=True, eq=False)
class StillStore(Record):
    """N portraits, cut to the crop square of `reenact.perception.cropping`."""

    images: Tensor
    """(N, 3, S, S) uint8 RGB."""
    landmarks: Tensor
    """(N, L, 3) float32 mesh in pixels of these images, from the top left corner."""
    parsing: Tensor
    """(N, 256, 256) uint8 labels."""
    pose: Tensor
    """(N, P) float32 pose code as read."""
    angles: Tensor
    """(N, 3) float32 yaw, pitch, roll of the mesh in degrees."""
    identities: Identities
    names: tuple[str, ...]

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.images.device


def scaled(chance: Tensor, count: Tensor) -> Tensor:
    """Chance in [0, 1) to whole numbers from 0 to below count."""
    return torch.minimum((chance * count).long(), count - 1)


def group_identities(names: Sequence[str], device: torch.device) -> Identities:
    """Table of the items of each person, from the person of each item."""
    groups: dict[str, list[int]] = {}
    for item, name in enumerate(names):
        groups.setdefault(name, []).append(item)
    longest = max(len(group) for group in groups.values())
    rows = [group + group[:1] * (longest - len(group)) for group in groups.values()]
    counts = [len(group) for group in groups.values()]
    return Identities(torch.tensor(rows, device=device), torch.tensor(counts, device=device))


def load_clips(
    footage: Sequence[Footage],
    size: int,
    device: torch.device,
    readers: Callable[[], Readers],
    sidecars: Sequence[SideCar] | None = None,
    *,
    follow: bool = False,
) -> ClipStore:
    """Decode clips to the device; `readers` is called once if a side-car lacks readings.

    Args:
        footage: The clips.
        size: Pixels on a side of the stored frames.
        device: Where they are to lie.
        readers: Opens the networks.
        sidecars: Of the same clips, where the caller has read them already.
        follow: Whether points of the shoulders are followed (`reenact.data.tracks`).

    Raises:
        DataError: A clip and its side-car differ in length, or one cannot be read.
    """
    sidecars = read_sidecars(footage) if sidecars is None else sidecars
    lengths = torch.tensor([len(sidecar) for sidecar in sidecars])
    starts = lengths.cumsum(0) - lengths
    frames = _empty((int(lengths.sum()), 3, size, size), device)
    ahead = None if _all_prepared(sidecars) else ReadAhead(frames, readers())
    tracks: list[Tracks] = []
    decoded = _decoded(footage, sidecars, size, follow=follow)
    for start, (clip, followed) in zip(starts.tolist(), decoded, strict=True):
        tracks += followed
        frames[start : start + len(clip)].copy_(clip, non_blocking=True)
        if ahead is not None:
            ahead.read_up_to(start + len(clip))
    points, visible = _mesh_points(sidecars, device)
    if follow:
        points, visible = _with_tracks(points, visible, tracks, size)
    parsing, pose = _stored(sidecars, device) if ahead is None else ahead.finish()
    _LOG.info("%d clips, %d frames on %s", len(footage), len(frames), device)
    return ClipStore(
        frames=frames,
        parsing=_nearest(parsing, size),
        pose=pose,
        points=points,
        visible=visible,
        starts=starts.to(device),
        lengths=lengths.to(device),
        identities=group_identities([item.identity for item in footage], device),
        names=tuple(item.name for item in footage),
    )


def load_stills(
    footage: Sequence[Footage],
    size: int,
    device: torch.device,
    readers: Callable[[], Readers],
) -> StillStore:
    """Decode portraits to the device, each cut to its crop square; the rest as `load_clips`."""
    sidecars = read_sidecars(footage)
    squares = torch.tensor([crop_square(outline_box(s.landmarks[0])).tolist() for s in sidecars])
    images = _empty((len(footage), 3, size, size), device)
    decoded = _in_threads(lambda item: decode_still(item.path), footage)
    for number, (square, image) in enumerate(zip(squares.tolist(), decoded, strict=True)):
        images[number] = cut_square(image.to(device), square, size)
    meshes = torch.cat([torch.from_numpy(sidecar.landmarks) for sidecar in sidecars])
    corners = torch.nn.functional.pad(squares[:, :2], (0, 1)).unsqueeze(1)
    landmarks = ((meshes - corners) * (size / squares[:, 2, None, None])).to(device)
    if _all_prepared(sidecars):
        parsing, pose = _stored(sidecars, device)
    else:
        parsing, pose = read_pictures(images, readers())
    angles = torch.cat([torch.from_numpy(sidecar.pose) for sidecar in sidecars]).to(device)
    _LOG.info("%d stills on %s", len(footage), device)
    return StillStore(
        images=images,
        landmarks=landmarks,
        parsing=parsing,
        pose=pose,
        angles=angles,
        identities=group_identities([item.identity for item in footage], device),
        names=tuple(item.name for item in footage),
    )


def cut_square(image: Tensor, square: Sequence[float], size: int) -> Tensor:
    """Resample a square x0, y0, side of a picture uint8 (3, H, W) to (3, size, size).

    Outside the picture its border goes on.
    """
    x0, y0, side = square
    height, width = image.shape[-2:]
    # Twice the size, then averaged: a lookup alone would alias when shrinking.
    fine = 2 * size
    pixels = (identity_grid(fine, fine, image.device) + 1) * ((fine - 1) / 2) + 0.5
    corner = torch.tensor((x0, y0), device=image.device)
    where = corner + pixels * (side / fine)
    span = torch.tensor((width - 1, height - 1), device=image.device)
    grid = (where - 0.5) * (2 / span) - 1
    looked_up = sample(image.unsqueeze(0).float(), grid.unsqueeze(0), padding="border")
    small = torch.nn.functional.avg_pool2d(looked_up, 2)
    return small[0].round_().clamp_(0, 255).to(torch.uint8)


def read_sidecars(footage: Sequence[Footage]) -> list[SideCar]:
    """The side-cars beside some clips or stills, read side by side."""
    return list(_in_threads(lambda item: read_sidecar(item.sidecar), footage))


def with_codes(sidecars: Sequence[SideCar], store: ClipStore) -> list[SideCar]:
    """Side-cars of the clips of a store with the pose codes that it has of them, parsing aside."""
    codes = store.pose.cpu().split(store.lengths.tolist())
    return [
        replace(sidecar, pose_code=code.numpy(), parsing=None)
        for sidecar, code in zip(sidecars, codes, strict=True)
    ]


def _all_prepared(sidecars: Sequence[SideCar]) -> bool:
    return all(sidecar.prepared for sidecar in sidecars)


def _stored(sidecars: Sequence[SideCar], device: torch.device) -> tuple[Tensor, Tensor]:
    """Parsing (F, 256, 256) and pose codes (F, P) of prepared side-cars."""
    labels = [torch.from_numpy(s.parsing) for s in sidecars if s.parsing is not None]
    codes = [torch.from_numpy(s.pose_code) for s in sidecars if s.pose_code is not None]
    return torch.cat(labels).to(device), torch.cat(codes).to(device)


def _mesh_points(sidecars: Sequence[SideCar], device: torch.device) -> tuple[Tensor, Tensor]:
    """Points (F, L, 2) and visibility (F, L) as `ClipStore` has them."""
    landmarks = torch.cat([torch.from_numpy(sidecar.landmarks) for sidecar in sidecars]).to(device)
    triangles = mesh_triangles(device)
    facing = [visible_points(part, triangles) for part in landmarks.split(READ_BATCH * 8)]
    points = normalize_points(landmarks[..., :2], PARSING_SIZE)
    return points.nan_to_num(), torch.cat(facing) & in_picture(points)


def _nearest(labels: Tensor, size: int) -> Tensor:
    """`resize_labels` a part at a time, which bounds the memory."""
    if labels.shape[-1] == size:
        return labels
    return torch.cat([resize_labels(part, size) for part in labels.split(READ_BATCH * 8)])


def _empty(shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.empty(shape, dtype=torch.uint8, device=device)


def _decoded(
    footage: Sequence[Footage], sidecars: Sequence[SideCar], size: int, *, follow: bool
) -> Iterator[tuple[Tensor, tuple[Tracks, ...]]]:
    """The frames (T, 3, size, size) of clip after clip, and its tracks if they are asked for."""
    known = {item.path: sidecar for item, sidecar in zip(footage, sidecars, strict=True)}

    def decode(item: Footage) -> tuple[Tensor, tuple[Tracks, ...]]:
        sidecar = known[item.path]
        frames = decode_clip(item.path, size, expected=len(sidecar))
        if not follow:
            return frames, ()
        chins = sidecar.landmarks[:, CHIN, 1] * (size / PARSING_SIZE)
        return frames, (follow_shoulders(frames.permute(0, 2, 3, 1).numpy(), chins),)

    return _in_threads(decode, footage)


def _with_tracks(
    points: Tensor, visible: Tensor, tracks: Sequence[Tracks], size: int
) -> tuple[Tensor, Tensor]:
    """Points (F, L, 2) and visibility (F, L) of the mesh, with those of the tracks after them."""
    places = torch.from_numpy(np.concatenate([track.points for track in tracks]))
    known = torch.from_numpy(np.concatenate([track.known for track in tracks]))
    return (
        torch.cat([points, normalize_points(places, size).to(points.device)], 1),
        torch.cat([visible, known.to(visible.device)], 1),
    )


def _in_threads(decode: Callable[[Footage], _Item], footage: Sequence[Footage]) -> Iterator[_Item]:
    """Decode side by side, in order, a few ahead of the consumer."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = []
        for item in footage:
            waiting.append(pool.submit(decode, item))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
