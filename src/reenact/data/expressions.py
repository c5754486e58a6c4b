"""What filmed faces do: offsets of the face mesh from the rest face of the same clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.face_surface import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER
from reenact.data.portrait_mesh import HeadMesh
from reenact.data.sidecar import SideCar
from reenact.data.store import Identities, group_identities, scaled
from reenact.errors import DataError
from reenact.records import Record

MAX_YAW = 15.0
"""Mesh degrees; beyond, the mesh deforms with the turn and not with the expression."""
RANK = 64
"""Principal components kept; the rest is mostly the jitter of the mesh."""
RIDGE = 1e-3
"""Square centimetres by which every lip coordinate is uncertain when an expression is guessed."""
LIPS = tuple(sorted({*OUTER_UPPER, *OUTER_LOWER, *INNER_UPPER, *INNER_LOWER}))
"""Points that an expression is guessed from."""

# fmt: off
FIRM_POINTS = (
    4, 5, 6, 8, 10, 33, 54, 67, 109, 117, 119, 121, 127, 133, 143, 162, 168, 195, 197, 234,
    251, 263, 284, 297, 338, 346, 348, 350, 356, 362, 372, 389, 454,
)
# fmt: on
"""Points that no expression moves far: forehead, temples, bridge of the nose, eye corners."""


@dataclass(frozen=True, eq=False)
class Placement(Record):
    """Where heads are: point = scale x rotation x (head axes) + shift."""

    rotation: Tensor
    """(B, 3, 3) from head axes to picture axes (x right, y down, z away)."""
    scale: Tensor
    """(B,) units of the picture a centimetre."""
    shift: Tensor
    """(B, 3) of the origin of the head axes, units of the picture."""

    def to_head(self, points: Tensor) -> Tensor:
        """Points of the picture (B, V, 3) to head axes in cm."""
        turned = rotate(self.rotation.mT, points - self.shift.unsqueeze(1))
        return turned / self.scale.view(-1, 1, 1)

    def to_picture(self, points: Tensor) -> Tensor:
        """Points in head axes in cm, (B, V, 3), to the picture."""
        return self.direction(points) + self.shift.unsqueeze(1)

    def direction(self, offsets: Tensor) -> Tensor:
        """Offsets in head axes in cm, (B, V, 3), to offsets in the picture."""
        return rotate(self.rotation, offsets) * self.scale.view(-1, 1, 1)


def rotate(rotation: Tensor, points: Tensor) -> Tensor:
    """Rotations (B, 3, 3) applied to points (B, V, 3), in full precision."""
    columns = rotation.unsqueeze(1).unbind(-1)
    return sum(
        (column * points[..., axis, None] for axis, column in enumerate(columns)),
        start=torch.zeros_like(points),
    )


def place(landmarks: Tensor, average: Tensor) -> Placement:
    """Fit the average face (468, 3) to meshes (B, 478, 3) by a similarity on the firm points."""
    firm = torch.tensor(FIRM_POINTS, device=landmarks.device)
    seen, model = landmarks[:, firm].double(), average[firm].double()
    seen_mean, model_mean = seen.mean(1, keepdim=True), model.mean(0)
    model = model - model_mean
    u, singular, v = torch.linalg.svd((seen - seen_mean).mT @ model)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.linalg.det(u @ v).sign()
    rotation = (u * sign.unsqueeze(1)) @ v
    scale = (singular * sign).sum(1) / model.square().sum()
    shift = seen_mean[:, 0] - (rotation @ model_mean) * scale.unsqueeze(1)
    return Placement(rotation.float(), scale.float(), shift.float())


def eye_apertures(points: Tensor, mesh: HeadMesh) -> Tensor:
    """Mean opening of the right and the left eye, head axes (B, V, 3): (B, 2) cm."""
    return torch.stack([eye.gaps(points).mean(1) for eye in (mesh.right_eye, mesh.left_eye)], 1)


@dataclass(frozen=True, eq=False)
class ExpressionBank(Record):
    """F frames of filmed faces as offsets from rest, ready to be put on another face."""

    coefficients: Tensor
    """(F, K) of the principal components."""
    components: Tensor
    """(K, 478, 3) offsets in head axes, cm."""
    jaw: Tensor
    """(F, J) what the pose code says of the jaw, relative to rest."""
    rest_apertures: Tensor
    """(F, 2) opening of the right and left eye at rest in the frame's clip, cm."""
    lips: Tensor
    """(40,) int64 mesh points that an expression is guessed from."""
    rest_lips: Tensor
    """(40, 3) mean lips at rest, head axes, cm."""
    from_lips: Tensor
    """(120, K + J) linear guess of coefficients and jaw from the lips' difference to these."""
    starts: Tensor
    """(C,) int64 first frame of each clip."""
    lengths: Tensor
    """(C,) int64."""
    identities: Identities

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two frames of one clip, each (count,): a person first, then a clip, then the moments."""
        clip = self.identities.draw(count, generator)
        chance = torch.rand(2, count, generator=generator, device=self.starts.device)
        moments = self.starts[clip] + scaled(chance, self.lengths[clip])
        return moments[0], moments[1]

    def offsets(self, coefficients: Tensor) -> Tensor:
        """Coefficients (B, K) to offsets (B, 478, 3) in head axes, cm."""
        # Not a matrix product: TF32 would shake the mesh by a tenth of a pixel.
        return torch.einsum("bk,kvc->bvc", coefficients.double(), self.components.double()).float()

    def guess(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """What a stranger's mouth probably does, from the mesh (B, 478, 3) in head axes, cm.

        Coefficients (B, K) and jaw (B, J): the least squares guess, knowing how the lips of people
        at rest differ and how expressions move them.
        """
        lips = (points[:, self.lips] - self.rest_lips).flatten(1)
        guessed = (lips.double() @ self.from_lips.double()).float()
        rank = len(self.components)
        return guessed[:, :rank], guessed[:, rank:]


def build_expression_bank(
    sidecars: Sequence[SideCar],
    identities: Sequence[str],
    mesh: HeadMesh,
    *,
    rank: int = RANK,
) -> ExpressionBank:
    """Collect the expressions of filmed frames that look ahead.

    Args:
        sidecars: Prepared side-cars of the clips.
        identities: The person of each clip.
        mesh: Connects the mesh points; the bank lives on its device.

    Raises:
        DataError: No clip has frames that look ahead, or one is not prepared.
    """
    clips = [_read_clip(sidecar, mesh) for sidecar in sidecars]
    kept = [number for number, clip in enumerate(clips) if clip is not None]
    used = [clip for clip in clips if clip is not None]
    if not used:
        raise DataError(
            f"none of {len(clips)} clips has frames within {MAX_YAW:g} degrees of the front; "
            "stills need some filmed expressions. Add clips, or turn stills off."
        )
    offsets = torch.cat([clip.offsets for clip in used])
    jaw = torch.cat([clip.jaw for clip in used])
    device = offsets.device
    lips = torch.tensor(LIPS, device=device)
    rest = torch.stack([clip.rest for clip in used])
    coefficients, components = _principal(offsets, rank)
    lengths = torch.tensor([len(clip.jaw) for clip in used], device=device)
    return ExpressionBank(
        coefficients=coefficients,
        components=components,
        jaw=jaw,
        rest_apertures=eye_apertures(rest, mesh).repeat_interleave(lengths, 0),
        lips=lips,
        rest_lips=rest[:, lips].mean(0),
        from_lips=_wiener(offsets[:, lips], torch.cat([coefficients, jaw], 1), rest[:, lips]),
        starts=lengths.cumsum(0) - lengths,
        lengths=lengths,
        identities=group_identities([identities[number] for number in kept], device),
    )


@dataclass(frozen=True, eq=False)
class _Clip(Record):
    offsets: Tensor
    """(T, 478, 3) cm."""
    jaw: Tensor
    """(T, J) relative to rest."""
    rest: Tensor
    """(478, 3) the face at rest, cm."""


def _read_clip(sidecar: SideCar, mesh: HeadMesh) -> _Clip | None:
    """Offsets of the frames that look ahead; None where fewer than ten do."""
    if sidecar.pose_code is None:
        raise DataError(
            "side-car without 'pose_code', expected a prepared clip. Run `reenact prepare` first."
        )
    device = mesh.average.device
    landmarks = torch.from_numpy(sidecar.landmarks).to(device)
    yaw = torch.from_numpy(sidecar.pose[:, 0]).to(device)
    ahead = landmarks.isfinite().flatten(1).all(1) & (yaw.abs() < MAX_YAW)
    if int(ahead.sum()) < 10:
        return None
    jaw = torch.from_numpy(sidecar.pose_code[:, 3:]).to(device)[ahead]
    points = place(landmarks[ahead], mesh.average).to_head(landmarks[ahead])
    rest = _rest_frames(mesh.mouth.gaps(points), eye_apertures(points, mesh))
    face = points[rest].mean(0)
    return _Clip(
        offsets=points - face,
        jaw=jaw - jaw[rest].mean(0),
        rest=face,
    )


def _rest_frames(gaps: Tensor, apertures: Tensor) -> Tensor:
    """Numbers of the frames with the mouth most closed, among those with open eyes."""
    eyes = apertures.mean(1)
    opening = gaps.mean(1) + 10 * (eyes < eyes.quantile(0.4))
    return opening.argsort()[: max(5, len(opening) // 12)]


def _principal(offsets: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Coefficients (F, K) and components (K, 478, 3) of the K strongest directions about rest."""
    flat = offsets.flatten(1)
    covariance = (flat.mT.double() @ flat.double()) / len(flat)
    _, vectors = torch.linalg.eigh(covariance)
    basis = vectors[:, -rank:].flip(1).float()
    return flat @ basis, basis.mT.reshape(-1, *offsets.shape[1:])


def _wiener(signal: Tensor, values: Tensor, noise: Tensor) -> Tensor:
    """Best linear map (G, V) to values (F, V) from signal (F, ..., 3) plus noise (N, ..., 3).

    The noise is given by examples, whose mean is known.
    """
    x, y = signal.flatten(1).double(), values.double()
    n = (noise - noise.mean(0)).flatten(1).double()
    uncertain = n.mT @ n / len(n) + RIDGE * torch.eye(n.shape[1], dtype=n.dtype, device=n.device)
    solved: Tensor = torch.linalg.solve(x.mT @ x / len(x) + uncertain, x.mT @ y / len(x))
    return solved.float()
