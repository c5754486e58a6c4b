"""Square pictures of one thing each: uint8 (TILE, TILE, 3)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reenact.layers.grid import identity_grid, warp
from reenact.look.palette import (
    FACE_FOUND,
    HIDDEN,
    INK,
    MODEL_SEES,
    NO_FACELET,
    PAPER,
    Colour,
    direction_colours,
    keypoint_colour,
    region_palette,
)
from reenact.look.stages import FaceView
from reenact.perception.cropping import cut, to_crop
from reenact.records import Animation, Compensation, FloatArray, Image, Keypoints

TILE = 320
"""Pixels on a side."""
LONGEST_STEP = 0.125
"""Length of a flow that is drawn in full colour, in sides of the square."""
ARROWS = 16
"""Arrows of a flow along a side."""
_SUBPIXEL = 4
"""Binary digits of a pixel that drawing respects."""

PARTS = {
    "jaw": (range(17), False),
    "right brow": (range(17, 22), False),
    "left brow": (range(22, 27), False),
    "bridge": (range(27, 31), False),
    "nostrils": (range(31, 36), False),
    "right eye": (range(36, 42), True),
    "left eye": (range(42, 48), True),
    "outer lips": (range(48, 60), True),
    "inner lips": (range(60, 68), True),
}
"""Lines through the first 68 landmarks, and whether they close."""


def crop_tile(view: FaceView) -> Image:
    """What the model sees, in the picture's own pixels."""
    return cut(view.picture, view.square, TILE)


def whole_tile(view: FaceView) -> Image:
    """The whole picture, with the face that was found and the square that the model sees."""
    height, width = view.picture.shape[:2]
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA)
    tile = np.full((TILE, TILE, 3), PAPER, dtype=np.uint8)
    top, left = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    x0, y0, side = (float(value) for value in view.square)
    corner = np.array([left, top])
    _box(tile, np.array([x0, y0, x0 + side, y0 + side]) * scale, corner, MODEL_SEES)
    if view.face is not None:
        _box(tile, view.face.box * scale, corner, FACE_FOUND)
    return tile


def landmark_tile(view: FaceView) -> Image:
    """The crop with lines through the usual landmarks and dots for the others."""
    tile = crop_tile(view)
    if view.face is None:
        return _washed(tile, 0.5)
    points = to_crop(view.face.landmarks, view.square, TILE) - 0.5
    for point in points[68:]:
        _dot(tile, point, 0.6, (255, 255, 255))
    for part, closed in PARTS.values():
        if len(points) > max(part):
            _line(tile, points[list(part)], FACE_FOUND, closed=closed)
    return tile


def parsing_tile(view: FaceView) -> Image:
    """The crop under the colours of its regions."""
    grey = _grey(crop_tile(view))
    labels = cv2.resize(view.labels, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
    colours = np.concatenate([np.zeros((1, 3), np.uint8), region_palette()])[labels]
    return _mix(grey, colours, np.where(labels > 0, 0.65, 0.0))


def keypoint_tile(view: FaceView) -> Image:
    """The crop with its keypoints, each with the axes of its affine part."""
    tile = _washed(crop_tile(view), 0.35)
    _draw_keypoints(tile, view.keypoints)
    return tile


def moved_keypoint_tile(view: FaceView, animation: Animation) -> Image:
    """Where the source's keypoints go: from the ring to the dot."""
    tile = _washed(crop_tile(view), 0.35)
    before = to_tile(animation.source_keypoints.points[0])
    after = to_tile(animation.driving.keypoints.points[0])
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        colour = keypoint_colour(index, len(before))
        _line(tile, np.stack([old, new]), colour, thickness=2)
        _dot(tile, old, 4, PAPER)
        _dot(tile, old, 4, colour, thickness=2)
        _point(tile, new, colour)
    return tile


def picture_tile(batch: Tensor) -> Image:
    """The first picture of (B, 3, H, W) in [0, 1]."""
    pixels = (batch[0].float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return np.asarray(cv2.resize(pixels, (TILE, TILE), interpolation=cv2.INTER_CUBIC), np.uint8)


def warped_tile(image: Tensor, animation: Animation) -> Image:
    """The source picture (1, 3, H, W) moved along the flow: what needs no drawing."""
    return picture_tile(warp(image, animation.motion.flows[-1]))


def steps(animation: Animation) -> NDArray[np.float32]:
    """How far each pixel of the frame came: (H, W, 2) xy, in sides of the square."""
    flow = animation.motion.flows[-1][0].float()
    return ((identity_grid(flow.shape[0], flow.shape[1]) - flow) / 2).numpy()


def flow_tile(animation: Animation) -> Image:
    """Where each pixel of the frame came from: colours for all, arrows for some."""
    step = steps(animation)
    colours = _enlarged(direction_colours(step, LONGEST_STEP))
    tile = _mix(_grey(picture_tile(animation.frame)), colours, np.full((TILE, TILE), 0.6))
    spots = (np.arange(ARROWS) + 0.5) / ARROWS
    for y in spots:
        for x in spots:
            arrow = step[int(y * step.shape[0]), int(x * step.shape[1])] * TILE
            end = np.array([x, y]) * TILE
            if np.hypot(*arrow) >= 1.5:
                _arrow(tile, end - arrow, end)
    return tile


def hidden(animation: Animation) -> FloatArray:
    """How far the photograph does not show each pixel of the frame: (H, W) in [0, 1]."""
    return np.asarray(1 - animation.motion.occlusions[-1][0, 0].float().numpy())


def hidden_tile(animation: Animation) -> Image:
    """The frame, red where the photograph does not show it."""
    grey = _grey(picture_tile(animation.frame))
    share = cv2.resize(hidden(animation).astype(np.float32), (TILE, TILE))
    return _mix(grey, np.full_like(grey, HIDDEN), 0.9 * share)


def facelet_tile(frame: Tensor, compensation: Compensation) -> Image:
    """The frame (1, 3, H, W) in the colours of the regions that its pixels asked."""
    shares = compensation.attention[-1][0].float().numpy()
    colours = np.einsum("rhw,rc->hwc", shares, region_palette().astype(np.float32))
    rest = np.clip(1 - shares.sum(axis=0), 0, 1)[..., None]
    mixed = np.clip(np.rint(colours + rest * np.array(NO_FACELET)), 0, 255).astype(np.uint8)
    return _mix(_grey(picture_tile(frame)), _enlarged(mixed), np.full((TILE, TILE), 0.65))


def attention_tile(frame: Tensor, share: FloatArray, colour: Colour, size: int) -> Image:
    """The frame (1, 3, H, W), coloured as far as its pixels asked: shares (h, w) in [0, 1]."""
    grey = np.asarray(cv2.resize(_grey(picture_tile(frame)), (size, size)), dtype=np.uint8)
    strength = np.clip(cv2.resize(share.astype(np.float32), (size, size)), 0, 1)
    return _mix(grey, np.full_like(grey, colour), 0.9 * strength)


def to_tile(points: Tensor) -> FloatArray:
    """Points (..., 2) in [-1, 1], the centres of the model's border pixels, to those of a tile."""
    model = points.float().numpy() * ((256 - 1) / 2) + 256 / 2
    return np.asarray(model * (TILE / 256) - 0.5)


def _draw_keypoints(tile: Image, keypoints: Keypoints) -> None:
    points, affines = to_tile(keypoints.points[0]), keypoints.affines[0].float().numpy()
    for index, (point, affine) in enumerate(zip(points, affines, strict=True)):
        colour = keypoint_colour(index, len(points))
        for axis in affine.T:
            _line(tile, np.stack([point, point + 10 * axis]), colour, thickness=2)
        _point(tile, point, colour)


def _grey(image: Image) -> Image:
    """Brightness alone, pale enough for colours to lie over it."""
    brightness = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.repeat((60 + brightness * 0.72).astype(np.uint8)[..., None], 3, axis=2)


def _washed(image: Image, share: float) -> Image:
    return _mix(image, np.full_like(image, PAPER), np.full(image.shape[:2], share))


def _mix(below: Image, above: Image, share: FloatArray) -> Image:
    """Lay a picture over another as far as `share` (H, W) says."""
    weight = share[..., None].astype(np.float32)
    return np.rint(below * (1 - weight) + above * weight).astype(np.uint8)


def _enlarged(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (TILE, TILE)), dtype=np.uint8)


def _fixed(point: FloatArray) -> tuple[int, int]:
    x, y = np.clip(np.nan_to_num(point), -4 * TILE, 4 * TILE) * (1 << _SUBPIXEL)
    return round(float(x)), round(float(y))


def _dot(
    tile: Image, point: FloatArray, radius: float, colour: Colour, thickness: int = cv2.FILLED
) -> None:
    reach = round(radius * (1 << _SUBPIXEL))
    cv2.circle(tile, _fixed(point), reach, colour, thickness, cv2.LINE_AA, _SUBPIXEL)


def _point(tile: Image, point: FloatArray, colour: Colour) -> None:
    _dot(tile, point, 5, INK)
    _dot(tile, point, 4, colour)


def _line(
    tile: Image, points: FloatArray, colour: Colour, thickness: int = 1, *, closed: bool = False
) -> None:
    fixed = np.array([_fixed(point) for point in points], dtype=np.int32)
    cv2.polylines(tile, [fixed], closed, colour, thickness, cv2.LINE_AA, _SUBPIXEL)


def _arrow(tile: Image, start: FloatArray, end: FloatArray) -> None:
    tip = min(0.5, 4 / max(float(np.hypot(*(end - start))), 1e-6))
    first, last = _fixed(start), _fixed(end)
    cv2.arrowedLine(tile, first, last, INK, 1, cv2.LINE_AA, _SUBPIXEL, tip)


def _box(tile: Image, box: FloatArray, corner: FloatArray, colour: Colour) -> None:
    """What lies outside is drawn along the border."""
    x0, y0, x1, y1 = np.clip(np.asarray(box) + np.tile(corner, 2), 2, TILE - 3)
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    _line(tile, corners, INK, thickness=4, closed=True)
    _line(tile, corners, colour, thickness=2, closed=True)
