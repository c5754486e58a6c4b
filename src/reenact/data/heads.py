"""Synthetic heads for the face reader: any turn, exact regions, glasses, hats, closed eyes.

Photographs have few turned heads and their teacher knows no glasses; here both are drawn with
exact labels. One call draws a batch on the device; the same generator state gives the same heads.
`HeadRenderer.draw` shows the same people at several moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.face_surface import build_surface, draw_surface
from reenact.data.head_chance import chance, choice, noise, normal, uniform
from reenact.data.head_expression import expression_scores
from reenact.data.head_glasses import wear_glasses
from reenact.data.head_light import hollows
from reenact.data.head_paint import draw_head
from reenact.data.head_person import Moment, People, random_moment, random_people
from reenact.data.head_props import (
    hat_trim,
    load_hair,
    random_hats,
    wear_hair,
    wear_hat,
)
from reenact.data.head_scene import Layer, Scene, nearest
from reenact.data.head_shape import frame_face, load_head, open_layout
from reenact.data.head_skin import LABELS, bake
from reenact.data.head_worn import draw_glasses, draw_hair, draw_hat
from reenact.layers.precision import full_precision
from reenact.perception.cropping import CROP_SCALE, CROP_SHIFT, CROP_SIZE
from reenact.perception.pose_curve import PITCH_OFFSET, mesh_yaw
from reenact.records import Record

_RIGID = (0.0, 8.0, 0.0)
"""A place that turns with the head."""
_SLACK = 0.35
"""How deep below the surface a mesh point still counts as seen, cm."""


@dataclass(frozen=True, eq=False)
class HeadBatch(Record):
    """B synthetic heads in their crop squares, and all that is known of them."""

    images: Tensor
    """(B, 3, 256, 256) in [0, 1]."""
    labels: Tensor
    """(B, 256, 256) uint8 region index plus 1, 0 = the rest."""
    landmarks: Tensor
    """(B, 478, 3) face mesh in pixels, the top left corner at 0; z in the same unit, mean 0,
    nearer < 0."""
    visible: Tensor
    """(B, 478) bool: faces the camera, and nothing but glasses is before it."""
    pose_true: Tensor
    """(B, 3) yaw, pitch, roll in true degrees."""
    pose_mesh: Tensor
    """(B, 3) the same in mesh degrees: what the face mesh would read."""
    expression: Tensor
    """(B, 52) scores; only roughly on the teacher's scale."""
    foreground: Tensor
    """(B, 256, 256) bool: head, clothes and what is worn."""

    def __len__(self) -> int:
        return self.images.shape[0]


class HeadRenderer:
    """Draws random heads: `renderer(count, generator)`.

    Args:
        assets: weights folder with `ict_facekit` and `makehuman_cc0`.
        device: where to draw; generators must live there too.
        backgrounds: uint8 (N, 3, H, W) pictures without faces to put behind half of the heads.
        size: pixels on a side while drawing; a multiple of the crop's 256.
        max_yaw: largest turn, true degrees.
        hair, hats, glasses: shares of the heads that wear them.
    """

    def __init__(
        self,
        assets: str | Path,
        device: torch.device | str = "cpu",
        backgrounds: Tensor | None = None,
        size: int = 512,
        max_yaw: float = 95.0,
        hair: float = 0.85,
        hats: float = 0.2,
        glasses: float = 0.35,
    ) -> None:
        assert size % CROP_SIZE == 0
        self.size, self.max_yaw = size, max_yaw
        self.model, self.expression_names = load_head(Path(assets), device)
        self.worn_hair, self.worn_hats, self.worn_glasses = hair, hats, glasses
        self.hair_meshes = load_hair(Path(assets), device)
        self.maps = bake(self.model)
        layout = open_layout(self.model.to("cpu"), self.expression_names)
        self.surface = build_surface(layout).to(device)
        skin = self.model.part < 2
        self.skin_triangles = self.model.triangles[skin]
        low = self.model.neutral[:, 1] > -13.0
        self.shell_triangles = self.skin_triangles[low[self.skin_triangles].all(dim=1)]
        self.backgrounds = None if backgrounds is None else backgrounds.to(device)

    def __call__(
        self, count: int, generator: torch.Generator, pose: Tensor | None = None
    ) -> HeadBatch:
        """Draw heads; pose (count, 3) in true degrees, random where it is not given."""
        if pose is None:
            pose = self.random_pose(count, generator)
        moment = random_moment(pose, self.expression_names, generator)
        return self.draw([moment], generator)[0]

    @torch.no_grad()
    def draw(self, moments: Sequence[Moment], generator: torch.Generator) -> list[HeadBatch]:
        """Draw the same people at one or several moments, before a camera that stands still.

        The crop square is that of all moments together.
        """
        count = len(moments[0])
        with full_precision(self.model.neutral):
            people = random_people(count, len(self.model.identities), self.maps, generator)
            behind = self._background(count, generator)
            scenes = self._scenes(people, moments)
            # What they wear is drawn by the same chance at every moment.
            wardrobe, drawn = generator.get_state(), []
            for scene, moment in zip(scenes, moments, strict=True):
                generator.set_state(wardrobe)
                drawn.append(self._draw(scene, moment, behind, generator))
        return drawn

    def random_pose(self, count: int, generator: torch.Generator) -> Tensor:
        """Yaw, pitch, roll (count, 3) in true degrees; two thirds evenly over all turns."""
        wide = uniform((count,), -self.max_yaw, self.max_yaw, generator)
        yaw = torch.where(chance(count, 0.65, generator), wide, normal((count,), 18.0, generator))
        pitch = normal((count,), 13.0, generator).clamp(-40, 40)
        roll = normal((count,), 9.0, generator).clamp(-30, 30)
        return torch.stack([yaw.clamp(-self.max_yaw, self.max_yaw), pitch, roll], dim=1)

    def _draw(
        self, scene: Scene, moment: Moment, behind: Tensor, generator: torch.Generator
    ) -> HeadBatch:
        """Dress the heads of a scene and draw them before backgrounds (B, S, S, 3)."""
        count, size, ratio = len(scene), self.size, self.size // CROP_SIZE
        mesh = self.model.mesh(scene.shape)
        turned, points = scene.place(mesh, mesh.new_tensor(_RIGID).expand_as(mesh), size)
        bare = nearest(self._layers(scene, generator))
        shaded = bare.colour * hollows(bare.depth, size / scene.camera.side)
        bare = Layer(shaded, bare.depth, bare.labels)
        glasses = wear_glasses(mesh, chance(count, self.worn_glasses, generator), generator)
        dressed = draw_glasses(scene, glasses, bare, size, generator)
        seen = dressed.depth.isfinite()
        image = torch.where(seen.unsqueeze(-1), dressed.colour, behind).permute(0, 3, 1, 2)
        # Labels cannot be averaged: the sample next to the middle of each pixel.
        sampled = slice(ratio // 2, None, ratio)
        landmarks = scene.camera.project(turned, CROP_SIZE)
        labels = self._lids(dressed.labels[:, sampled, sampled], landmarks)
        landmarks[..., 2] -= landmarks[..., 2].mean(dim=1, keepdim=True)
        landmarks[..., :2] += 0.5
        yaw, pitch, roll = moment.pose.unbind(1)
        return HeadBatch(
            images=F.avg_pool2d(image, ratio).clamp(0, 1),
            labels=labels,
            landmarks=landmarks,
            visible=self._visible(points, bare.depth + scene.pixels(_SLACK, size)),
            pose_true=moment.pose,
            pose_mesh=torch.stack([mesh_yaw(yaw), pitch + PITCH_OFFSET, roll], dim=1),
            expression=expression_scores(moment.expression, self.expression_names),
            foreground=seen[:, sampled, sampled],
        )

    def _scenes(self, people: People, moments: Sequence[Moment]) -> list[Scene]:
        """The people at every moment, before one camera."""
        model = self.model
        shapes = [model.shape(people.identity, moment.expression) for moment in moments]
        stances = [people.stance(moment) for moment in moments]
        rigid = model.neutral.new_tensor(_RIGID)
        faces = [
            stance.turn(mesh, rigid.expand_as(mesh))
            for stance, mesh in zip(stances, map(model.mesh, shapes), strict=True)
        ]
        still = torch.zeros_like(moments[0].expression)
        offset = model.shape(people.identity, still) - model.neutral
        camera = frame_face(faces, people.distance, CROP_SCALE, CROP_SHIFT)
        return [
            Scene(shape, offset, stance, camera, people.light, people.skin)
            for shape, stance in zip(shapes, stances, strict=True)
        ]

    def _layers(self, scene: Scene, generator: torch.Generator) -> list[Layer]:
        """Head, hair and hat; hair ends under the rim of a hat, and scarves hide it."""
        count, size = len(scene), self.size
        hats, hatted = random_hats(count, generator), chance(count, self.worn_hats, generator)
        haired = chance(count, self.worn_hair, generator) & ~(hatted & hats.scarf)
        style = choice(count, len(self.hair_meshes.vertices), generator)
        hair = wear_hair(self.hair_meshes, style, haired, scene.offset, generator)
        below = -hat_trim(hair.reference, hats.rim, hats.tilt)
        below = torch.where(hatted.unsqueeze(1), below, hair.trim)
        hair = replace(hair, trim=torch.minimum(hair.trim, below))
        hat = wear_hat(self.model, scene.shape, hats, hatted, self.shell_triangles)
        return [
            draw_head(self.model, scene, size, generator),
            draw_hair(scene, hair, self.hair_meshes.uv[style], size, generator),
            draw_hat(scene, hat, size, generator),
        ]

    def _background(self, count: int, generator: torch.Generator) -> Tensor:
        """Plain walls, soft patterns, and the given pictures: (B, S, S, 3)."""
        size, shape = (self.size, self.size), (count, 1, 1, 1)
        wall, other = (
            (uniform(shape, 0.02, 1.0, generator) * (1 + normal((count, 3, 1, 1), 0.18, generator)))
            for _ in range(2)
        )
        pattern = noise(count, size, ((2, 2), (4, 4), (9, 9), (40, 40)), generator)
        busy = uniform(shape, 0.0, 1.0, generator) ** 2
        share = (0.3 + 0.4 * pattern).clamp(0, 1) * busy
        drawn = torch.lerp(wall.expand(-1, -1, *size), other.expand(-1, -1, *size), share)
        if self.backgrounds is not None:
            picture = self.backgrounds[choice(count, len(self.backgrounds), generator)]
            picture = F.interpolate(picture.float() / 255, size, mode="bilinear")
            drawn = torch.where(chance(count, 0.6, generator).view(shape), picture, drawn)
        return drawn.clamp(0, 1).permute(0, 2, 3, 1)

    def _lids(self, labels: Tensor, landmarks: Tensor) -> Tensor:
        """Closed eyes count as eyes: their lids get the eye's label where skin was drawn."""
        regions = draw_surface(self.surface, landmarks, CROP_SIZE)
        eye = (regions == LABELS["left eye"]) | (regions == LABELS["right eye"])
        return torch.where(eye & (labels == LABELS["skin"]), regions, labels)

    def _visible(self, points: Tensor, depth: Tensor) -> Tensor:
        """Which mesh points (B, 478, 3) in pixels lie before the depth (B, S, S): (B, 478) bool."""
        inside = ((points[..., :2] > 0) & (points[..., :2] < self.size - 1)).all(dim=-1)
        column, row = points[..., :2].round().long().clamp(0, self.size - 1).unbind(-1)
        sample = torch.arange(len(points), device=points.device).unsqueeze(1)
        return inside & (points[..., 2] < depth[sample, row, column])
