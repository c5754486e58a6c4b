"""The model and the face reader on their device: crops in, motion and frames out, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from reenact import checkpoint
from reenact.driving import FACE_PRESENCE, Framing, square_in
from reenact.perception.cropping import CROP_SIZE, cut
from reenact.perception.pictures import check_picture
from reenact.portrait import FaceReader, Portrait, ReenactmentModel
from reenact.records import Animation, Image, Motion, Record

R = TypeVar("R", bound=Record)

BATCH_SIZE = {"cpu": 1, "cuda": 8}
"""Frames that go through the model together, by device."""


class Engine:
    """Runs one model with its face reader, as fast as their device allows.

    Args:
        model: A module with the three verbs, in evaluation mode, on its device.
        reader: Finds, parses and poses faces; on the same device.
        batch_size: Frames that go through together. By default 8 on a GPU, and 1 on a CPU, where
            more is not faster.
    """

    def __init__(
        self, model: ReenactmentModel, reader: FaceReader, batch_size: int | None = None
    ) -> None:
        assert isinstance(model, nn.Module)
        self.model: Any = model.eval()
        self.reader = reader
        self.batch_size = batch_size or BATCH_SIZE.get(self.device.type, 1)
        self.whole_batches = self.device.type == "cuda"
        """Whether the last frames are repeated up to a batch: cuDNN takes a second to plan the
        convolutions of any other number of frames."""

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        first: Tensor = next(chain(self.model.parameters(), self.model.buffers()))
        return first.device

    @property
    def weights(self) -> str:
        """Hash of the model's weights, which its motion templates carry."""
        return checkpoint.weights_hash(self.model)

    def read_motion(self, frames: Sequence[Image], framing: Framing | None = None) -> Motion:
        """Motion of some frames together; without framing they are taken for face crops."""
        return self.read_crops(self._cut(frames, framing))

    @torch.no_grad()
    def read_crops(self, crops: Tensor) -> Motion:
        """Motion of face crops (B, 3, 256, 256) in [0, 1] that are on the device already."""
        return self._read_crops(crops, self.reader.encode(crops))

    @torch.no_grad()
    def shows_face(self, image: Image, framing: Framing) -> bool:
        """Whether there is a face in the square of a framing."""
        reading = self.reader.read_crops(self._cut([image], framing))
        return bool(reading.presence[0] > FACE_PRESENCE)

    def read_motions(
        self, frames: Iterable[Image], framing: Framing | None
    ) -> Iterator[tuple[Motion, Tensor]]:
        """Motion, and whether a face is there, (B,) bool; bare face crops always show one."""
        for batch in _batched(frames, self.batch_size):
            crops = self._pad(self._cut(batch, framing))
            if framing is None:
                motion, seen = self.read_crops(crops), crops.new_ones(len(crops), dtype=torch.bool)
            else:
                motion, seen = self._read_seen(crops)
            yield _first(motion, len(batch)), seen[: len(batch)]

    @torch.no_grad()
    def render(self, source: Portrait, motion: Motion) -> Animation:
        """The portrait in the motion of some frames, with all that the frames were made of."""
        count = len(motion.pose)
        state = source.state.map(lambda tensor: tensor.expand(count, *tensor.shape[1:]))
        with self.precision():
            animation: Animation = self.model.render(state, motion)
        return animation

    def render_whole(self, source: Portrait, motion: Motion) -> Animation:
        """The same, by way of a whole batch if batches are to be whole."""
        drawn = self.render(source, motion.map(self._pad))
        return _first(drawn, len(motion.pose))

    def precision(self) -> torch.autocast:
        """bf16 on a GPU, outside the parts that forbid it; full precision on a CPU."""
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"
        )

    def _read_crops(self, crops: Tensor, pose: Tensor) -> Motion:
        with self.precision():
            result: Motion = self.model.read_motion(crops, pose)
        return result

    @torch.no_grad()
    def _read_seen(self, crops: Tensor) -> tuple[Motion, Tensor]:
        reading = self.reader.read_crops(crops)
        return self._read_crops(crops, reading.pose_code), reading.presence > FACE_PRESENCE

    def _pad(self, frames: Tensor) -> Tensor:
        """Something of B frames (B, ...), the last one repeated if batches are to be whole."""
        missing = self.batch_size - len(frames)
        if not self.whole_batches or missing <= 0:
            return frames
        return torch.cat([frames, frames[-1:].expand(missing, *frames.shape[1:])])

    def _cut(self, frames: Sequence[Image], framing: Framing | None) -> Tensor:
        """Face crops (B, 3, 256, 256) in [0, 1] of driving frames."""
        for frame in frames:
            check_picture(frame, "driving frame")
        crops = [cut(frame, square_in(frame, framing), CROP_SIZE) for frame in frames]
        return to_batch(crops, self.device)


def to_batch(images: Sequence[Image], device: torch.device) -> Tensor:
    """uint8 (H, W, 3) pictures of one size to float (B, 3, H, W) in [0, 1]."""
    stacked = torch.from_numpy(np.stack(images)).to(device)
    return stacked.permute(0, 3, 1, 2).float() / 255


def _first(record: R, count: int) -> R:
    """A record of the first frames."""
    return record.map(lambda tensor: tensor[:count])


def _batched(frames: Iterable[Image], size: int) -> Iterator[list[Image]]:
    stream = iter(frames)
    while batch := list(islice(stream, size)):
        yield batch
