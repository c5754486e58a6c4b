"""Stand-ins for the trained networks: simple enough to know every answer."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from reenact.layers.grid import identity_grid
from reenact.perception.crop_reader import CropReading
from reenact.records import (
    Animation,
    Face,
    Image,
    Keypoints,
    Motion,
    MotionField,
    Parsing,
    SourceState,
)

CORNERS = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
FACE_COLOUR = np.array([250, 10, 10], dtype=np.uint8)
"""What the stub reader takes for a face: rectangles of this red."""


class StubModel(nn.Module):
    """Motion is the mean colour of a frame; rendering adds to the source what moved.

    Four keypoints in a square, all shifted by (red, green) - 1/2; the rendered picture is the
    source, blurred over `blur` pixels, plus the shift of the first keypoint, plus `tint`. Nothing
    ever flows.
    """

    def __init__(self, tint: float = 0.0, blur: int = 1, visible: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("tint", torch.tensor(tint))
        self.blur = blur
        self.visible = visible
        self.batches: list[int] = []
        self.rendered: list[int] = []
        self.threads: set[int] = set()

    def encode_source(self, image: Tensor, parsing: Parsing, pose: Tensor) -> SourceState:
        keypoints = self._keypoints(image)
        return SourceState(image, (image,), keypoints, pose, None, (), ())

    def read_motion(self, image: Tensor, pose: Tensor) -> Motion:
        self.batches.append(len(image))
        return Motion(self._keypoints(image), pose)

    def render(self, source: SourceState, motion: Motion) -> Animation:
        self.rendered.append(len(motion.pose))
        self.threads.add(threading.get_ident())
        shift = motion.keypoints.points[:, 0] - source.keypoints.points[:, 0]
        soft = F.avg_pool2d(
            source.image, self.blur, stride=1, padding=self.blur // 2, count_include_pad=False
        )
        moved = soft + shift.mean(dim=1)[:, None, None, None] + self.tint
        batch, _, height, width = moved.shape
        still = identity_grid(height, width, moved.device).expand(batch, -1, -1, -1)
        field = MotionField(
            masks=moved, flows=(still,), occlusions=(self.visible + 0 * moved[:, :1],)
        )
        return Animation(moved, field, None, source.keypoints, motion)

    def _keypoints(self, image: Tensor) -> Keypoints:
        shift = image.mean(dim=(2, 3))[:, None, :2] - 0.5
        points = CORNERS.to(image.device) + shift
        return Keypoints(points, torch.eye(2).expand(len(image), 4, 2, 2))


def face_of(mask: NDArray[np.bool_]) -> Face:
    """A face around all that is in a mask (H, W)."""
    rows, columns = np.nonzero(mask)
    box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
    around = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    unit = np.stack([np.cos(around), np.sin(around)], axis=1)
    return Face(
        box=box,
        landmarks=(box[:2] + box[2:]) / 2 + unit * (box[2:] - box[:2]) / 2,
        pose=np.zeros(3),
        pose_code=np.zeros(6),
        parsing=np.zeros((256, 256), dtype=np.uint8),
        crop=np.zeros(3),
        expression=np.zeros(52),
        score=1.0,
    )


class StubReader:
    """Finds rectangles of one red; landmarks lie around the rectangle."""

    code = "reader6"
    width = 6

    def __init__(self) -> None:
        self.looks = 0

    def read(self, image: Image) -> list[Face]:
        self.looks += 1
        red = (image == FACE_COLOUR).all(axis=-1)
        return [face_of(red)] if red.any() else []

    def parse(self, image: Tensor) -> Parsing:
        return Parsing(torch.zeros(image.shape[0], *image.shape[2:], dtype=torch.uint8))

    def encode(self, image: Tensor) -> Tensor:
        return torch.zeros(len(image), 6)

    def read_crops(self, image: Tensor) -> CropReading:
        """A face is there where its red is."""
        colour = torch.from_numpy(FACE_COLOUR).to(image).view(1, 3, 1, 1) / 255
        red = ((image - colour).abs().amax(dim=1) < 0.02).flatten(1).any(dim=1)
        nothing = torch.zeros(len(image), 478)
        return CropReading(
            points=nothing[..., None].expand(-1, -1, 2),
            depth=nothing,
            pose=nothing[:, :3],
            jaw=nothing[:, :3],
            expression=nothing[:, :52],
            presence=torch.where(red, 5.0, -5.0),
        )


class StubCrowd(StubReader):
    """Finds every rectangle of that red, the largest first."""

    def read(self, image: Image) -> list[Face]:
        self.looks += 1
        red = (image == FACE_COLOUR).all(axis=-1)
        count, labels = cv2.connectedComponents(red.astype(np.uint8))
        faces = [face_of(labels == number) for number in range(1, count)]
        return sorted(faces, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))


def picture_with_face(
    box: tuple[int, int, int, int] = (50, 40, 90, 90),
    shade: int = 60,
    height: int = 120,
    width: int = 160,
) -> Image:
    """A grey picture with a face of the stub reader's kind at x0, y0, x1, y1."""
    picture = np.full((height, width, 3), shade, dtype=np.uint8)
    x0, y0, x1, y1 = box
    picture[y0:y1, x0:x1] = FACE_COLOUR
    return picture


def picture_with_faces(*boxes: tuple[int, int, int, int], shade: int = 60) -> Image:
    """A wide grey picture, (120, 240, 3), with a face at each x0, y0, x1, y1."""
    picture = np.full((120, 240, 3), shade, dtype=np.uint8)
    for x0, y0, x1, y1 in boxes:
        picture[y0:y1, x0:x1] = FACE_COLOUR
    return picture


def face_clip(path: Path) -> Path:
    """A lossless clip in which the stub reader sees a face that moves."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        for index in range(6):
            picture = picture_with_face((40 + 4 * index, 40, 80 + 4 * index, 90))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    return path


class Pixels(nn.Module):
    """Stands in for a feature network: the picture and its halves."""

    MAGNITUDES = (1.0, 0.5)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return image, F.avg_pool2d(image, 2)


class SeededMaps(nn.Module):
    """Stands in for a feature network where its depth matters: convolutions drawn from a seed."""

    MAGNITUDES = (0.5, 0.5, 0.5)

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList(
            nn.Conv2d(channels, 2 * channels + 2, 3, stride=2, padding=1) for channels in (3, 8, 18)
        ).requires_grad_(False)
        for parameter in self.layers.parameters():
            spread = (2 / parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0.0
            nn.init.normal_(parameter, std=spread, generator=generator)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        maps, current = [], image - 0.5
        for layer in self.layers:
            current = layer(current).relu()
            maps.append(current)
        return tuple(maps)
