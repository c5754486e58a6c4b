"""A portrait and a driving video in, frames of the moving portrait out: one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from reenact import checkpoint
from reenact.driving import Framing, frame_clip, middle_square
from reenact.errors import FaceNotFoundError, MediaError
from reenact.motion.transfer import transfer
from reenact.perception.cropping import CROP_SIZE, crop_square, cut
from reenact.perception.reader import load_reader
from reenact.portrait import FaceReader, Portrait, ReenactmentModel
from reenact.records import Animation, Face, Image, Motion
from reenact.restore import measure_residual, restore
from reenact.template import MotionTemplate
from reenact.video import PasteBack, Timing

BATCH_SIZE = {"cpu": 1, "cuda": 8}
"""Frames that go through the model together, by device."""
LOOK_AHEAD = 8
"""Frames of a stream that are searched for the face before the first one is animated."""
MAX_DETAIL = 1024
"""Pixels a side up to which the photograph's own detail is put back into frames."""

MotionMode = Literal["relative", "absolute"]


class Animator:
    """Animates portraits with one model.

        animator = reenact.load("reenact-s")
        source = animator.encode_source(photo)
        for frame in animator.animate(source, frames):
            ...

    Args:
        model: A module with the three verbs, in evaluation mode, on its device.
        reader: Finds, parses and poses faces; on the same device.
        name: What outputs say they were made with.
        batch_size: Frames rendered together. By default 8 on a GPU, and 1 on a CPU, where more is
            not faster.
    """

    def __init__(
        self,
        model: ReenactmentModel,
        reader: FaceReader,
        name: str = "reenact",
        batch_size: int | None = None,
    ) -> None:
        assert isinstance(model, nn.Module)
        self.model: Any = model.eval()
        self.reader = reader
        self.name = name
        self.batch_size = batch_size or BATCH_SIZE.get(self.device.type, 1)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        first: Tensor = next(chain(self.model.parameters(), self.model.buffers()))
        return first.device

    @torch.no_grad()
    def encode_source(self, image: Image, *, crop: bool = True, face: int = 1) -> Portrait:
        """Find the face of a photograph and do all the work that depends on it alone.

        Args:
            image: uint8 (H, W, 3) RGB, any size.
            crop: Cut out a face; otherwise the picture is taken for a face crop, and
                the largest square in its middle is used.
            face: Which face to cut out, counted from 1, the largest.

        Raises:
            FaceNotFoundError: There is no such face.
        """
        _check_picture(image)
        found = self._find_face(image, face) if crop else None
        square = middle_square(image) if found is None else crop_square(found.box)
        square = np.rint(square)  # on whole pixels, cutting and pasting lose nothing
        detail = int(np.clip(square[2], 2, MAX_DETAIL))
        seen = to_batch([cut(image, square, CROP_SIZE)], self.device)
        parsing, pose = self.reader.parse(seen), self.reader.encode(seen)
        with self._precision():
            state = self.model.encode_source(seen, parsing, pose)
            at_rest = self.model.render(state, Motion(state.keypoints, state.pose))
        photo = to_batch([cut(image, square, detail)], self.device)
        residual = measure_residual(photo, seen, at_rest)
        return Portrait(image, square, found, state, residual)

    def animate(
        self,
        source: Portrait,
        frames: Iterable[Image] | MotionTemplate,
        motion: MotionMode = "relative",
        *,
        adapt_scale: bool = True,
        crop: bool = True,
        paste_back: bool = True,
        detail: bool = True,
        framing: Framing | None = None,
        skip: int = 0,
    ) -> Iterator[Image]:
        """Move a portrait like a driving video: as many frames as come in, one at a time.

        A list or a `VideoReader` is first looked through for its face, so that one square can
        hold still over the whole clip; of a stream, only the first frames are.

        Args:
            source: What `encode_source` returned.
            frames: uint8 (H, W, 3) RGB frames of one size, or a motion template.
            motion: "relative" adds what the driving face did since its first frame to the
                portrait's own pose; "absolute" takes the driving face's place and shape.
            adapt_scale: Relative steps grow and shrink with the size of the face.
            crop: Cut out the driving face; otherwise the frames are taken for face crops.
            paste_back: Yield the whole photograph; otherwise the model's bare 256 x 256 picture.
            detail: Put the photograph's own detail back where it still belongs, not just its
                colours.
            framing: What `frame_driving` found, if it was asked before.
            skip: Frames at the beginning that are not made; the others are as without it.

        Raises:
            FaceNotFoundError: The driving video shows no face.
            TemplateError: The motion template was made by other weights.
        """
        if motion not in ("relative", "absolute"):
            raise ValueError(f"motion is {motion!r}, expected 'relative' or 'absolute'")
        initial: Motion | None = None
        if isinstance(frames, MotionTemplate):
            frames.check_weights(self.weights)
            initial = next(frames.batches(1, self.device)) if skip else None
            motions = frames.batches(self.batch_size, self.device, skip)
        else:
            if framing is None and crop:
                framing, frames = self._frame_start(frames)
            if framing is not None and framing.start is not None:
                initial = self.read_motion([framing.start], framing)
            stream = iter(frames)
            passed = list(islice(stream, min(skip, 1)))
            if initial is None and passed:
                initial = self.read_motion(passed, framing)
            motions = self._read_motions(islice(stream, max(0, skip - 1), None), framing)
        if motion == "relative":
            motions = _relative(source.motion, motions, initial, adapt_scale)
        if not paste_back:
            return self._render(source, motions)
        return self._paste(source, motions, detail)

    def frame_driving(self, frames: Iterable[Image], like: Portrait | None = None) -> Framing:
        """Look through a driving clip for its face.

        Args:
            frames: The clip; it is iterated over once.
            like: A portrait whose expression to look for: motion then starts from the frame that
                comes closest, rather than from the first.

        Raises:
            FaceNotFoundError: No frame shows a face.
        """
        return frame_clip(frames, self.reader, like=like.face if like else None)

    def read_motion(self, frames: Sequence[Image], framing: Framing | None = None) -> Motion:
        """Motion of some frames together; without framing they are taken for face crops."""
        crops = [
            cut(frame, middle_square(frame) if framing is None else framing.square, CROP_SIZE)
            for frame in frames
        ]
        return self.read_crops(to_batch(crops, self.device))

    @torch.no_grad()
    def read_crops(self, crops: Tensor) -> Motion:
        """Motion of face crops (B, 3, 256, 256) in [0, 1] that are on the device already."""
        pose = self.reader.encode(crops)
        with self._precision():
            result: Motion = self.model.read_motion(crops, pose)
        return result

    def record(
        self,
        frames: Iterable[Image],
        times: Iterable[Fraction],
        timing: Timing,
        *,
        framing: Framing | None = None,
        note: str = "",
    ) -> MotionTemplate:
        """Read a driving video into a motion template for the weights of this animator."""
        motions = list(self._read_motions(frames, framing))
        return MotionTemplate.join(motions, list(times), timing, self.weights, note)

    @property
    def weights(self) -> str:
        """Hash of the model's weights, which its motion templates carry."""
        return checkpoint.weights_hash(self.model)

    def _read_motions(self, frames: Iterable[Image], framing: Framing | None) -> Iterator[Motion]:
        for batch in _batched(frames, self.batch_size):
            yield self.read_motion(batch, framing)

    def _render(self, source: Portrait, motions: Iterator[Motion]) -> Iterator[Image]:
        """The model's bare pictures."""
        for motion in motions:
            yield from to_images(self.render(source, motion).frame)

    def _paste(self, source: Portrait, motions: Iterator[Motion], detail: bool) -> Iterator[Image]:
        """The whole photograph with the model's pictures in it."""
        photograph = PasteBack(source.photo, source.square)
        for motion in motions:
            animation = self.render(source, motion)
            if detail:
                pictures = restore(animation, source.residual)
            else:
                pictures = animation.frame + source.residual.smooth
            for picture in to_images(pictures):
                yield photograph.paste(picture)

    @torch.no_grad()
    def render(self, source: Portrait, motion: Motion) -> Animation:
        """The portrait in the motion of some frames, with all that the frames were made of."""
        count = len(motion.pose)
        state = source.state.map(lambda tensor: tensor.expand(count, *tensor.shape[1:]))
        with self._precision():
            animation: Animation = self.model.render(state, motion)
        return animation

    def _frame_start(self, frames: Iterable[Image]) -> tuple[Framing, Iterable[Image]]:
        """Framing of a whole clip, or of the first frames of what can be iterated only once."""
        stream = iter(frames)
        if stream is not frames:
            return self.frame_driving(frames), frames
        first = list(islice(stream, LOOK_AHEAD))
        return self.frame_driving(first), chain(first, stream)

    def _find_face(self, image: Image, number: int) -> Face:
        faces = self.reader.read(image)
        if not faces:
            height, width = image.shape[:2]
            raise FaceNotFoundError(
                f"source: found no face in the {width} x {height} picture, expected one that fills "
                "a tenth of its height or more. Use another photo, or --no-crop for a bare crop."
            )
        if number > len(faces):
            raise FaceNotFoundError(
                f"source: found {len(faces)} faces, expected {number} or more. "
                "Choose another --face; 1 is the largest."
            )
        return faces[number - 1]

    def _precision(self) -> torch.autocast:
        """bf16 on a GPU, outside the parts that forbid it; full precision on a CPU."""
        return torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"
        )


def load(
    name_or_path: str | PathLike[str] = "reenact-s",
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
) -> Animator:
    """An animator with a shipped model, by name, or one from a checkpoint file.

    Raises:
        CheckpointError: There is no such model, or its file is damaged.
    """
    reader = load_reader(device=device)
    model = checkpoint.load(name_or_path, device, parser=reader, pose_encoder=reader)
    name = Path(name_or_path).stem
    return Animator(model, reader, name=name, batch_size=batch_size)


def to_batch(images: Sequence[Image], device: torch.device) -> Tensor:
    """uint8 (H, W, 3) pictures of one size to float (B, 3, H, W) in [0, 1]."""
    stacked = torch.from_numpy(np.stack(images)).to(device)
    return stacked.permute(0, 3, 1, 2).float() / 255


def to_images(batch: Tensor) -> list[Image]:
    """Float (B, 3, H, W), clipped to [0, 1], to uint8 (H, W, 3) pictures."""
    scaled = (batch.float().clamp(0, 1) * 255).round().to(torch.uint8)
    return list(scaled.permute(0, 2, 3, 1).cpu().numpy())


def _relative(
    own: Motion, motions: Iterator[Motion], initial: Motion | None, adapt_scale: bool
) -> Iterator[Motion]:
    """What a driving face did since its initial frame, done by the portrait (evaluation.md D)."""
    for driving in motions:
        if initial is None:
            initial = driving.map(lambda tensor: tensor[:1])
        yield transfer(own.keypoints, own.pose, driving, initial, adapt_scale=adapt_scale)


def _batched(frames: Iterable[Image], size: int) -> Iterator[list[Image]]:
    stream = iter(frames)
    while batch := list(islice(stream, size)):
        yield batch


def _check_picture(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise MediaError(
            f"source: found {image.dtype} {image.shape}, expected uint8 (height, width, 3) RGB. "
            "Load it with reenact.video.load_image."
        )
