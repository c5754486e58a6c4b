"""MediaPipe's face landmarker: box, mesh and expression scores, independent of the face reader.

Evaluation asks it because the model is conditioned on the face reader, and a score by what the
model has seen would flatter it. Works on batches of square pictures with one face each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.grid import identity_grid, sample
from reenact.perception.graph import GraphNetwork, load_graph
from reenact.perception.mesh import CHIN, FOREHEAD, LEFT_EYE, NUM_POINTS, RIGHT_EYE
from reenact.perception.weights import Tier, find_weights
from reenact.records import Record

NETWORK = "mediapipe_face_landmarker"
PARTS = ("face_detector", "face_landmarks", "face_blendshapes")
DETECTOR_SIZE = 128
MESH_SIZE = 256
MESH_SCALE = 1.5
"""Side of the square that the mesh is read from over the longer side of the face's box."""
MARGIN = 0.25
"""Black border around the picture for the detector, in sides: it misses faces that fill all."""
MIN_SCORE = 0.5
"""Least score of a box, and of a mesh, for a face to be there."""
_CELLS = ((16, 2), (8, 6))
"""Cells on a side of the detector's two grids, and boxes a cell."""

# fmt: off
BLENDSHAPE_POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63,
    65, 66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133,
    136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163,
    168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270,
    276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317,
    318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379,
    380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
    466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)
# fmt: on
"""Mesh points that the expression network looks at."""


@dataclass(frozen=True, eq=False)
class FaceBoxes(Record):
    """The most likely face of each of B pictures; xy in [-1, 1] of the picture."""

    centre: Tensor
    """(B, 2)."""
    side: Tensor
    """(B,) the longer side."""
    eyes: Tensor
    """(B, 2, 2) the person's right and left."""
    score: Tensor
    """(B,) in [0, 1]."""

    def where(self, chosen: Tensor, other: FaceBoxes) -> FaceBoxes:
        """These boxes where chosen (B,) is true, the others elsewhere."""
        return FaceBoxes(
            centre=torch.where(chosen[:, None], self.centre, other.centre),
            side=torch.where(chosen, self.side, other.side),
            eyes=torch.where(chosen[:, None, None], self.eyes, other.eyes),
            score=torch.where(chosen, self.score, other.score),
        )


@dataclass(frozen=True, eq=False)
class FaceMeshes(Record):
    """The meshes read inside some boxes."""

    points: Tensor
    """(B, 478, 3) xy in [-1, 1] of the picture, z of the same scale, smaller is nearer."""
    score: Tensor
    """(B,) in [0, 1]: whether a face is there at all."""

    def boxes(self) -> FaceBoxes:
        """Around these meshes, as the detector would give them."""
        flat = self.points[..., :2]
        low, high = flat.amin(dim=1), flat.amax(dim=1)
        eyes = [flat[:, list(eye)].mean(dim=1) for eye in (RIGHT_EYE, LEFT_EYE)]
        return FaceBoxes(
            centre=(low + high) / 2,
            side=(high - low).amax(dim=1),
            eyes=torch.stack(eyes, dim=1),
            score=self.score,
        )


class FaceLandmarker(nn.Module):
    """The three networks of the bundle."""

    def __init__(
        self, detector: GraphNetwork, landmarks: GraphNetwork, blendshapes: GraphNetwork
    ) -> None:
        super().__init__()
        self.detector = detector
        self.landmarks = landmarks
        self.blendshapes = blendshapes
        self.register_buffer("anchors", _anchors(), persistent=False)
        self.eval().requires_grad_(False)

    anchors: Tensor

    def detect(self, images: Tensor) -> FaceBoxes:
        """Pictures RGB (B, 3, S, S) in [0, 1] to their most likely faces."""
        border = round(MARGIN * images.shape[-1])
        padded = F.pad(images, (border,) * 4)
        small = F.interpolate(
            padded, (DETECTOR_SIZE, DETECTOR_SIZE), mode="bilinear", antialias=True
        )
        regressed, logits = self.detector(small * 2 - 1)
        score, best = logits.flatten(1).sigmoid().max(dim=1)
        row = torch.arange(len(best), device=best.device)
        numbers = regressed[row, best] / DETECTOR_SIZE
        anchor = self.anchors[best]
        scale = 2 * padded.shape[-1] / (images.shape[-1] - 1)

        def in_picture(points: Tensor) -> Tensor:
            """Fractions of the padded picture to xy in [-1, 1] of the picture."""
            pixels = points * padded.shape[-1] - border
            return (pixels - 0.5) * (2 / (images.shape[-1] - 1)) - 1

        eyes = torch.stack([anchor + numbers[:, 4:6], anchor + numbers[:, 6:8]], dim=1)
        return FaceBoxes(
            centre=in_picture(anchor + numbers[:, :2]),
            side=numbers[:, 2:4].amax(dim=1) * scale,
            eyes=in_picture(eyes),
            score=score,
        )

    def read_mesh(self, images: Tensor, boxes: FaceBoxes) -> FaceMeshes:
        """Meshes of the faces in those boxes; read twice, the second time where the first lies."""
        return self._read_once(images, self._read_once(images, boxes).boxes())

    def read_expressions(self, points: Tensor) -> Tensor:
        """Expression scores (B, 52) in [0, 1] of meshes (B, 478, 2 or 3), whatever their scale."""
        scores: Tensor = self.blendshapes(points[:, list(BLENDSHAPE_POINTS), :2] * MESH_SIZE)[0]
        return scores

    def _read_once(self, images: Tensor, boxes: FaceBoxes) -> FaceMeshes:
        across = F.normalize(boxes.eyes[:, 1] - boxes.eyes[:, 0], dim=-1)
        down = torch.stack([-across[:, 1], across[:, 0]], dim=-1)
        half = boxes.side.view(-1, 1, 1) * (MESH_SCALE / 2)
        axes = torch.stack([across, down], dim=1) * half  # rows: where x and y of the square go
        grid = identity_grid(MESH_SIZE, MESH_SIZE, images.device).view(1, -1, 2)
        where = (grid @ axes + boxes.centre.unsqueeze(1)).unflatten(1, (MESH_SIZE, MESH_SIZE))
        found, logit, _ = self.landmarks(sample(images, where))
        local = found.reshape(-1, NUM_POINTS, 3) * (2 / MESH_SIZE)
        flat = (local[..., :2] - 1) @ axes + boxes.centre.unsqueeze(1)
        points = torch.cat([flat, local[..., 2:] * half], dim=-1)
        return FaceMeshes(points=points, score=logit.flatten(1)[:, 0].sigmoid())


def load_landmarker(policy: Tier = Tier.PERMISSIVE) -> FaceLandmarker:
    """The networks with their weights from the weights folder.

    Raises:
        WeightsError: A file is missing, not allowed by the policy, or does not fit.
    """
    files = [find_weights(name, policy) for name in landmarker_files()]
    return FaceLandmarker(*(load_graph(files[0].parent, part) for part in PARTS))


def landmarker_files() -> tuple[str, ...]:
    """Names of its files in the catalogue of weights."""
    return tuple(
        f"{NETWORK}/{part}.{suffix}" for part in PARTS for suffix in ("graph.json", "safetensors")
    )


def mesh_rotations(points: Tensor) -> Tensor:
    """Turn of the head of meshes (B, 478, 3): matrices (B, 3, 3) as in `layers.rotation`.

    Its x axis runs between the ears, its y axis from the chin to the forehead.
    """
    upright = points * points.new_tensor([1.0, -1.0, -1.0])
    x = F.normalize(upright[:, 454] - upright[:, 234], dim=-1)
    z = F.normalize(torch.linalg.cross(x, upright[:, FOREHEAD] - upright[:, CHIN]), dim=-1)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=-1)


def _anchors() -> Tensor:
    """Centres (896, 2) that boxes are told from, in sides of the picture."""
    centres = []
    for cells, boxes in _CELLS:
        line = (torch.arange(cells) + 0.5) / cells
        grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).view(-1, 1, 2)
        centres.append(grid.expand(-1, boxes, -1).reshape(-1, 2))
    return torch.cat(centres)
