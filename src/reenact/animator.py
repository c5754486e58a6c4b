"""A portrait and a driving video in, frames of the moving portrait out: one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import chain, islice
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reenact import checkpoint
from reenact.device import choose_device
from reenact.drawing import Canvas, to_images
from reenact.driving import SAMPLES, FaceFinder, Framing, frame_clip, middle_square, spread
from reenact.engine import Engine, to_batch
from reenact.errors import FaceNotFoundError
from reenact.motion.following import MAX_TURN, Manner, MotionMode, follow
from reenact.motion.hold import MotionHold, join_motions
from reenact.motion.parts import HeadResponse, Part, measure_head
from reenact.motion.smoothing import MotionSmoother, OneEuro
from reenact.motion.watching import Watched, watch
from reenact.opacity import Opacity
from reenact.perception.cropping import CROP_SIZE, crop_square, cut
from reenact.perception.pictures import check_frames, check_picture
from reenact.perception.reader import load_reader
from reenact.portrait import FaceReader, Portrait, ReenactmentModel, choose_face
from reenact.records import Face, FloatArray, Image, Motion
from reenact.restore import measure_residual
from reenact.template import MotionTemplate
from reenact.video import Timing
from reenact.video.images import EvenTiming

__all__ = ["Animator", "MotionMode", "load", "to_batch", "to_images"]

LOOK_AHEAD = 8
"""Frames of a stream that are searched for the face before the first one is animated."""
MAX_DETAIL = 1024
"""Pixels a side up to which the photograph's own detail is put back into frames."""


class Animator(Engine):
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
        super().__init__(model, reader, batch_size)
        self.name = name

    def encode_source(
        self,
        image: Image,
        *,
        crop: bool = True,
        face: int = 1,
        faces: Sequence[Face] | None = None,
        opacity: Opacity | None = None,
        role: str = "source",
    ) -> Portrait:
        """Find the face of a photograph and do all the work that depends on it alone.

        Args:
            image: uint8 (H, W, 3) RGB, any size.
            crop: Cut out a face; otherwise the picture is taken for a face crop, and
                the largest square in its middle is used.
            face: Which face to cut out, counted from 1, the largest.
            faces: What the reader found in the photograph, if it was asked before.
            opacity: Of the photograph, for outputs with alpha; by default the head is opaque.
            role: What the photograph is, for errors.

        Raises:
            MediaError: It is no such picture.
            FaceNotFoundError: There is no such face.
        """
        check_picture(image, role)
        if not crop:
            return self.encode_square(image, middle_square(image), opacity=opacity)
        found = self.reader.read(image) if faces is None else faces
        chosen = choose_face(image, found, face, role)
        return self.encode_square(image, crop_square(chosen.box), chosen, opacity)

    def encode_sources(
        self,
        image: Image,
        *,
        faces: Sequence[Face] | None = None,
        opacity: Opacity | None = None,
        role: str = "source",
    ) -> list[Portrait]:
        """Like `encode_source`, for every face of a photograph, largest first.

        Raises:
            MediaError: It is no such picture.
            FaceNotFoundError: There is none.
        """
        check_picture(image, role)
        faces = self.reader.read(image) if faces is None else faces
        choose_face(image, faces, role=role)
        return [self.encode_square(image, crop_square(face.box), face, opacity) for face in faces]

    @torch.no_grad()
    def encode_square(
        self,
        image: Image,
        square: FloatArray,
        face: Face | None = None,
        opacity: Opacity | None = None,
    ) -> Portrait:
        """A portrait of what a square of a picture shows: (3,) x0, y0, side in its pixels."""
        square = np.rint(square)  # on whole pixels, cutting and pasting lose nothing
        detail = int(np.clip(square[2], 2, MAX_DETAIL))
        seen = to_batch([cut(image, square, CROP_SIZE)], self.device)
        parsing, pose = self.reader.parse(seen), self.reader.encode(seen)
        with self.precision():
            state = self.model.encode_source(seen, parsing, pose)
            at_rest = self.model.render(state, Motion(state.keypoints, state.pose))
        photo = to_batch([cut(image, square, detail)], self.device)
        residual = measure_residual(photo, seen, at_rest)
        return Portrait(image, square, face, parsing, state, residual, opacity)

    def animate(
        self,
        source: Portrait | Sequence[Portrait],
        frames: Iterable[Image] | MotionTemplate,
        motion: MotionMode = "relative",
        *,
        adapt_scale: bool = True,
        strength: float = 1.0,
        max_turn: float = MAX_TURN,
        only: Part | None = None,
        smooth: OneEuro | None = None,
        crop: bool = True,
        paste_back: bool = True,
        detail: bool = True,
        framing: Framing | None = None,
        head: HeadResponse | None = None,
        timing: Timing | None = None,
        hold: MotionHold | None = None,
        skip: int = 0,
        alpha: bool = False,
    ) -> Iterator[Image]:
        """Move a portrait like a driving video: as many frames as come in, one at a time.

        A list or a `VideoReader` is first looked through for its face, so that one square can
        hold still over the whole clip; of a stream, only the first frames are. While the driving
        face is out of sight, the portrait holds its last motion; before it is seen, its own.

        Args:
            source: What `encode_source` returned, or several portraits of one photograph, as of
                `encode_sources`, that move together.
            frames: uint8 (H, W, 3) RGB frames of one size, or a motion template.
            motion: "relative" adds what the driving face did since its first frame to the
                portrait's own pose; "absolute" takes the driving face's place and shape.
            adapt_scale: Relative steps grow and shrink with the size of the face.
            strength: Share of the motion: 0 = at rest, 1 = as driven, up to 2.
            max_turn: Most that relative motion turns the head away from the photograph, degrees:
                where the driver turns further, the motion is taken back; 180 for any turn.
            only: The part of the motion that is taken over, "pose", "expression", "lips" or "eyes";
                None for all.
            smooth: Take the jitter out of the driving motion; None leaves it as it is read.
            crop: Cut out the driving face; otherwise the frames are taken for face crops, which
                show a face throughout.
            paste_back: Yield the whole photograph; otherwise the model's bare 256 x 256 picture.
            detail: Put the photograph's own detail back where it still belongs, not just its
                colours.
            framing: What `frame_driving` found, if it was asked before.
            head: What `measure_head` found, if it was asked before; `only` needs it.
            timing: When the frames are shown, which smoothing asks; by default what the frames
                say themselves, or 25 a second.
            hold: Counts the frames in which the last motion was held.
            skip: Frames at the beginning that are not made; the others are as without it.
            alpha: Yield (H, W, 4), the fourth channel being opacity.

        Raises:
            TypeError: The source is no portrait.
            MediaError: The frames are a path, or one of them is no picture.
            FaceNotFoundError: The driving video shows no face.
            TemplateError: The motion template was made by other weights.
            FaceNotFoundError: No keypoint lies on the lips or eyes that are to be moved alone.
        """
        manner = Manner(
            mode=motion,
            adapt_scale=adapt_scale,
            strength=strength,
            max_turn=max_turn,
            only=only,
        )
        portraits = _portraits(source)
        if isinstance(frames, MotionTemplate):
            frames.check_like(portraits[0].motion)
        if only is not None and head is None:
            if framing is None and crop and not isinstance(frames, MotionTemplate):
                framing = self.frame_driving(frames)
            head = self.measure_head(frames, framing)
        watched = self.watch(
            frames, smooth=smooth, crop=crop, framing=framing, timing=timing, hold=hold, skip=skip
        )
        return self.draw(
            portraits,
            watched,
            manner,
            head,
            paste_back=paste_back,
            detail=detail,
            alpha=alpha,
        )

    def watch(
        self,
        frames: Iterable[Image] | MotionTemplate,
        *,
        smooth: OneEuro | None = None,
        crop: bool = True,
        framing: Framing | None = None,
        timing: Timing | None = None,
        hold: MotionHold | None = None,
        skip: int = 0,
    ) -> Iterator[Watched]:
        """What a driving face does, some frames at a time; arguments are those of `animate`."""
        check_frames(frames)
        initial: Motion | None = None
        timing = timing or getattr(frames, "info", None)
        if isinstance(frames, MotionTemplate):
            frames.check_weights(self.weights)
            timing = timing or frames
            readings: Iterator[tuple[Motion, Tensor]] = (
                (motion, torch.ones_like(motion.pose[:, 0], dtype=torch.bool))
                for motion in frames.batches(self.batch_size, self.device)
            )
        else:
            if framing is None and crop:
                framing, frames = self._frame_start(frames)
            if framing is not None and framing.start is not None:
                initial = self.read_motion([framing.start], framing)
            readings = self.read_motions(frames, framing)
        return watch(
            readings,
            (timing or EvenTiming()).time,
            hold=hold or MotionHold(),
            smoother=MotionSmoother(smooth) if smooth else None,
            initial=initial,
            skip=skip,
        )

    def frame_driving(
        self,
        frames: Iterable[Image],
        like: Portrait | None = None,
        finder: FaceFinder | None = None,
        face: int = 1,
        role: str | None = None,
    ) -> Framing:
        """Look through a driving clip, or a filmed source, for its face.

        Args:
            frames: The clip; it is iterated over once.
            like: A portrait whose expression to look for: motion then starts from the frame that
                comes closest, rather than from the first.
            finder: What finds faces; the animator's reader, unless somebody looks on.
            face: Which face, counted from 1, the largest where it is first seen.
            role: What the clip is, for errors; by default its name, if it has one.

        Raises:
            FaceNotFoundError: No frame shows a face.
        """
        check_frames(frames)
        name: str = getattr(frames, "name", "driving video")
        return frame_clip(
            frames,
            finder or self.reader,
            like=like.face if like else None,
            number=face,
            role=role or name,
        )

    def draw(
        self,
        portraits: Sequence[Portrait],
        watched: Iterable[Watched],
        manner: Manner,
        head: HeadResponse | None = None,
        *,
        paste_back: bool = True,
        detail: bool = True,
        alpha: bool = False,
    ) -> Iterator[Image]:
        """Frames of portraits of one photograph that follow a driving face, as `watch` saw it."""
        carried = [each.carriers(manner.only) for each in portraits]
        if any(chosen is not None and not chosen.any() for chosen in carried):
            raise FaceNotFoundError(
                f"source: found none of the model's keypoints on its {manner.only}, expected one. "
                "Choose a photograph that shows them, or move the whole expression."
            )
        canvas = Canvas(portraits, paste_back=paste_back, detail=detail, alpha=alpha)
        return self._fill(canvas, portraits, watched, manner, head, carried)

    def _fill(
        self,
        canvas: Canvas,
        portraits: Sequence[Portrait],
        watched: Iterable[Watched],
        manner: Manner,
        head: HeadResponse | None,
        carried: Sequence[Tensor | None],
    ) -> Iterator[Image]:
        for step in watched:
            motions = [
                follow(each.motion, step, manner, head, chosen)
                for each, chosen in zip(portraits, carried, strict=True)
            ]
            pairs = zip(portraits, motions, strict=True)
            yield from canvas.frames([self.render_whole(*pair) for pair in pairs])

    def measure_head(
        self, frames: Iterable[Image] | MotionTemplate, framing: Framing | None = None
    ) -> HeadResponse:
        """Learn from some frames of a driving clip what its keypoints do when its head moves.

        Args:
            frames: The clip; it is iterated over once more than for its frames.
            framing: What `frame_driving` found; None for face crops.
        """
        check_frames(frames)
        if isinstance(frames, MotionTemplate):
            stride = -(-len(frames) // SAMPLES)
            motion = frames.motion.map(lambda tensor: tensor[::stride]).to(self.device)
        elif iter(frames) is frames:
            raise ValueError("frames can be gone through once, expected a list or clip for `only`")
        else:
            readings = list(self.read_motions(spread(frames, SAMPLES), framing))
            seen = torch.cat([seen for _, seen in readings])
            motion = reduce(join_motions, [motion for motion, _ in readings])
            motion = motion.map(lambda tensor: tensor[seen]) if bool(seen.any()) else motion
        return measure_head(motion, motion.map(lambda tensor: tensor[:1]))

    def record(
        self,
        frames: Iterable[Image],
        times: Iterable[Fraction],
        timing: Timing,
        *,
        framing: Framing | None = None,
        note: str = "",
        hold: MotionHold | None = None,
    ) -> MotionTemplate:
        """Read a driving video into a motion template for the weights of this animator.

        Frames that do not show the face get the motion before them; `hold` counts them.
        """
        check_frames(frames)
        hold = hold or MotionHold()
        motions = [hold(motion, seen)[0] for motion, seen in self.read_motions(frames, framing)]
        return MotionTemplate.join(motions, list(times), timing, self.weights, note)

    def _frame_start(self, frames: Iterable[Image]) -> tuple[Framing, Iterable[Image]]:
        """Framing of a whole clip, or of the first frames of what can be iterated only once."""
        stream = iter(frames)
        if stream is not frames:
            return self.frame_driving(frames), frames
        first = list(islice(stream, LOOK_AHEAD))
        return self.frame_driving(first), chain(first, stream)


def _portraits(source: object) -> list[Portrait]:
    found = list(source) if isinstance(source, Iterable) else [source]
    portraits = [each for each in found if isinstance(each, Portrait)]
    if len(portraits) < len(found):
        raise TypeError(
            f"source: found a {type(source).__name__}, expected what encode_source or "
            "encode_sources returned"
        )
    return portraits


def load(
    name_or_path: str | PathLike[str] = "reenact-s",
    device: torch.device | str = "cpu",
    batch_size: int | None = None,
) -> Animator:
    """An animator with a shipped model, by name, or one from a checkpoint file.

    Args:
        name_or_path: Of the model.
        device: "cpu", "cuda", "cuda:N", or "auto" for a GPU where there is one.
        batch_size: As of `Animator`.

    Raises:
        CheckpointError: There is no such model, or its file is damaged.
        ConfigError: There is no such device.
    """
    device = choose_device(device)
    reader = load_reader(device=device)
    model = checkpoint.load(name_or_path, device, parser=reader, pose_encoder=reader)
    name = Path(name_or_path).stem
    return Animator(model, reader, name=name, batch_size=batch_size)
