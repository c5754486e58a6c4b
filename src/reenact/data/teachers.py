"""Labels for training the face reader, from permissively licensed networks and a face mesh.

The mesh gives eyes, brows, nose, lips, mouth and the outline of the face; one network gives hair,
another skin and clothes. Together they make a parsing of what can be seen of a head. They never
produce glasses, and what covers a face (hands, microphones) is parsed as if it were not there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from reenact.data.face_surface import FaceSurface, build_surface, draw_surface
from reenact.data.head_shape import load_head, open_layout
from reenact.errors import WeightsError
from reenact.layers.rotation import vector_from_euler
from reenact.perception.cropping import cut
from reenact.perception.expressions import EXPRESSIONS
from reenact.perception.graph import GraphNetwork, load_graph
from reenact.perception.landmarker import BLENDSHAPE_POINTS
from reenact.perception.mesh import CHIN, FOREHEAD, OUTLINE
from reenact.records import REGIONS, FloatArray, Image

PARSING_SIZE = 512
"""Pixels on a side of the square that the hair and skin networks see."""
PARSING_SCALE = 2.1
"""Side of that square over the longer side of the mesh's box."""
PARSING_SHIFT = 0.12
"""How far it lies above the box, in sides of the square."""
TURNED_YAW = 18.0
"""Mesh degrees beyond which the far ear is behind the head; what skin shows there is cheek."""

_SKIN, _LEFT_EAR, _RIGHT_EAR, _NECK, _HAIR = (
    REGIONS.index(name) + 1 for name in ("skin", "left ear", "right ear", "neck", "hair")
)
_BROWS = tuple(REGIONS.index(name) + 1 for name in ("left brow", "right brow"))
_SKIN_MEAN = (0.485, 0.456, 0.406)
_SKIN_DEVIATION = (0.229, 0.224, 0.225)

Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]


def weights_folder(folder: str | Path | None = None) -> Path:
    """The folder of third-party networks: as given, else `REENACT_WEIGHTS`."""
    found = folder or os.environ.get("REENACT_WEIGHTS")
    if not found:
        raise WeightsError(
            "teacher networks: REENACT_WEIGHTS is not set; expected the folder that holds "
            "mediapipe_face_landmarker and the others. Set it or name the folder."
        )
    return Path(found)


@dataclass(frozen=True)
class Teachers:
    """The networks and the face surface, on one device."""

    hair: GraphNetwork
    skin: GraphNetwork
    blendshapes: GraphNetwork
    surface: FaceSurface
    device: torch.device


def load_teachers(folder: Path, device: torch.device | str = "cpu") -> Teachers:
    """Read the teacher networks from a weights folder."""
    device = torch.device(device)
    hair = load_graph(folder / "mediapipe_hair_segmentation", "hair_segmentation")
    skin = load_graph(folder / "skin_clothes_hair_pan", "pan_mobilenetv3_small")
    blendshapes = load_graph(folder / "mediapipe_face_landmarker", "face_blendshapes")
    layout = open_layout(*load_head(folder, "cpu"))
    return Teachers(
        hair=hair.to(device),
        skin=skin.to(device),
        blendshapes=blendshapes.to(device),
        surface=build_surface(layout).to(device),
        device=device,
    )


@torch.inference_mode()
def read_expressions(teachers: Teachers, meshes: FloatArray) -> FloatArray:
    """Expression scores (N, 52) in [0, 1] of meshes (N, 478, 2 or 3) in pixels."""
    points = torch.as_tensor(np.asarray(meshes)[:, BLENDSHAPE_POINTS, :2], dtype=torch.float32)
    return np.asarray(teachers.blendshapes(points.to(teachers.device))[0].cpu().numpy())


def pose_codes(poses: FloatArray, expressions: FloatArray) -> FloatArray:
    """`reader6`: rotation vector (radians), jaw open, sideways, forward.

    From yaw, pitch, roll (N, 3) in degrees and expression scores (N, 52) to float32 (N, 6).
    """
    rotation = vector_from_euler(torch.as_tensor(np.asarray(poses), dtype=torch.float64)).numpy()
    jaw = {
        name: np.asarray(expressions)[:, EXPRESSIONS.index(name)]
        for name in ("jawOpen", "jawRight", "jawLeft", "jawForward")
    }
    sideways = jaw["jawRight"] - jaw["jawLeft"]
    code = np.column_stack([rotation, jaw["jawOpen"], sideways, jaw["jawForward"]])
    return code.astype(np.float32)


def parsing_square(mesh: FloatArray, inside: FloatArray) -> FloatArray:
    """Square x0, y0, side that the networks see: around the mesh, and around a given square."""
    points = np.asarray(mesh)[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    side = PARSING_SCALE * float((high - low).max())
    first = (low + high) / 2 - (side / 2, side / 2 + PARSING_SHIFT * side)
    start = np.minimum(first, inside[:2])
    end = np.maximum(first + side, inside[:2] + inside[2])
    side = float((end - start).max())
    return np.array([*((start + end - side) / 2), side])


def parse_head(
    teachers: Teachers, image: Image, mesh: FloatArray, yaw: float, square: FloatArray
) -> Labels:
    """Parse what is seen of one head: labels (256, 256) uint8 of a square of the picture.

    Args:
        image: the picture the mesh was found in.
        mesh: (478, 3) in pixels of the picture, the top left corner at 0.
        yaw: of the mesh in degrees, positive towards the right of the picture.
        square: (3,) x0, y0, side in pixels of the picture.
    """
    seen = parsing_square(mesh, square)
    scale = PARSING_SIZE / seen[2]
    points = np.asarray(mesh, dtype=np.float32).copy()
    points[:, :2] = (points[:, :2] - seen[:2].astype(np.float32)) * scale - 0.5
    points[:, 2] *= scale
    hair, skin, cloth = _segment(teachers, cut(image, seen, PARSING_SIZE))
    surface = torch.from_numpy(points).unsqueeze(0).to(teachers.device)
    regions = draw_surface(teachers.surface, surface, PARSING_SIZE)[0].cpu().numpy()
    labels = compose(hair, skin, cloth, regions, points, yaw)
    return _resample(labels, (square[:2] - seen[:2]) * scale, square[2] * scale)


@torch.inference_mode()
def _segment(teachers: Teachers, picture: Image) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Probabilities (512, 512) of hair, skin and clothes."""
    x = torch.from_numpy(picture).to(teachers.device).permute(2, 0, 1).unsqueeze(0).float() / 255
    hair = teachers.hair(F.pad(x, (0, 0, 0, 0, 0, 1)))[0].softmax(dim=1)[0, 1]
    mean, deviation = (x.new_tensor(v).view(1, 3, 1, 1) for v in (_SKIN_MEAN, _SKIN_DEVIATION))
    skin = teachers.skin((x - mean) / deviation)[0][0]
    return hair.cpu().numpy(), skin[0].cpu().numpy(), skin[1].cpu().numpy()


def compose(
    hair: FloatArray,
    skin: FloatArray,
    cloth: FloatArray,
    regions: Labels,
    mesh: FloatArray,
    yaw: float,
) -> Labels:
    """One parsing of probabilities, drawn mesh regions (all H, W) and the mesh: (H, W) uint8.

    Places are told in face axes: v from chin to forehead in face heights, u to the right of the
    picture in half face widths, both from the middle between the ears.
    """
    face = np.zeros(hair.shape, dtype=np.uint8)
    cv2.fillPoly(face, [np.round(mesh[list(OUTLINE), :2]).astype(np.int32)], 1)
    on_face: Mask = face > 0
    u, v = _face_axes(mesh, hair.shape)
    is_hair = hair > 0.5
    bare = (skin > 0.5) & (skin >= cloth) & ~is_hair
    bare = _touching(bare | on_face, on_face)
    far_side = u * np.sign(yaw) > 0.3 if abs(yaw) > TURNED_YAW else np.zeros_like(is_hair)
    throat = np.where(far_side, -0.55, -0.30)
    beside = bare & (v >= throat) & (v < 0.30) & (np.abs(u) < 1.4 + 0.01 * abs(yaw))
    ears = cv2.morphologyEx((beside & ~on_face).astype(np.uint8), cv2.MORPH_OPEN, _disc(9)) > 0
    labels = np.zeros(hair.shape, dtype=np.uint8)
    labels[bare & (v < throat)] = _NECK
    labels[beside] = _SKIN
    ears &= (v < 0.22) & (np.abs(u) > 0.85)
    labels[ears & (u > 0) & (yaw < TURNED_YAW)] = _LEFT_EAR
    labels[ears & (u < 0) & (yaw > -TURNED_YAW)] = _RIGHT_EAR
    labels[bare & (v >= 0.30) & (v < 0.9) & (np.abs(u) < 1.3)] = _SKIN
    labels[on_face] = _SKIN
    beard = on_face & (v < 0.05) & ((np.abs(u) < 0.75) | (skin > 0.3))
    labels[is_hair & ~beard] = _HAIR
    drawn = (regions > _SKIN) & ~(np.isin(regions, _BROWS) & (labels != _SKIN))
    labels[drawn] = regions[drawn]
    return labels


def _face_axes(mesh: FloatArray, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """u and v of every pixel; see `compose`."""
    origin = (mesh[234, :2] + mesh[454, :2]) / 2
    up = mesh[FOREHEAD, :2] - mesh[CHIN, :2]
    height = max(float(np.linalg.norm(up)), 1e-6)
    up = up / height
    width = max(abs(float(mesh[454, 0] - mesh[234, 0])) / 2, 0.3 * height)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    dx, dy = x - origin[0], y - origin[1]
    return (dx * -up[1] + dy * up[0]) / width, (dx * up[0] + dy * up[1]) / height


def _touching(mask: Mask, seed: Mask) -> Mask:
    """The connected parts of a mask that touch the seed."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    kept = np.unique(parts[seed & mask])
    return np.asarray(np.isin(parts, kept) & mask)


def _disc(diameter: int) -> Labels:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter)), np.uint8)


def _resample(labels: Labels, corner: FloatArray, side: float, size: int = 256) -> Labels:
    """Nearest label of a square of the label map: (size, size)."""
    forward = np.array([[side / size, 0, 0], [0, side / size, 0]])
    forward[:, 2] = corner + 0.5 * side / size - 0.5
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(labels, forward, (size, size), flags=flags), np.uint8)
