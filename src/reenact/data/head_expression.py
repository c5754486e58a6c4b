"""Random expressions of synthetic heads, and the same on the scale of the teacher's scores."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.data.head_chance import chance, normal, uniform
from reenact.perception.expressions import EXPRESSIONS

_OWN_RULE = ("jaw", "eyeLook", "eyeBlink", "mouthClose", "mouthSmile", "PupilDilate")
_ONE_SIDED = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")


def random_expression(names: tuple[str, ...], count: int, generator: torch.Generator) -> Tensor:
    """Weights (count, len(names)) in [0, 1]: a few strong shapes, nearly alike on both sides.

    Jaws, smiles, lids and gaze are drawn by rules of their own.
    """
    drawn: dict[str, Tensor] = {}
    for name in names:
        if name.startswith(_OWN_RULE):
            drawn[name] = torch.zeros(count, device=generator.device)
        elif name.endswith("_R") and f"{name[:-2]}_L" in drawn:
            drawn[name] = _alike(drawn[f"{name[:-2]}_L"], 0.25, generator)
        else:
            drawn[name] = _sometimes(count, 0.12, 0.1, 0.9, generator)
    opened = _sometimes(count, 0.55, 0.0, 0.8, generator)
    drawn["jawOpen"] = opened**1.5
    for name in ("jawLeft", "jawRight", "jawForward"):
        drawn[name] = _sometimes(count, 0.08, 0.0, 0.7, generator)
    drawn["mouthSmile_L"] = _sometimes(count, 0.4, 0.2, 1.0, generator)
    drawn["mouthSmile_R"] = _alike(drawn["mouthSmile_L"], 0.1, generator)
    drawn |= _eyes(count, generator)
    return torch.stack([drawn[name] for name in names], dim=1)


def expression_scores(weights: Tensor, names: tuple[str, ...]) -> Tensor:
    """Weights (B, len(names)) as the 52 scores of `EXPRESSIONS`; 0 where there is no shape."""
    columns = []
    for name in EXPRESSIONS:
        sided = name.replace("Left", "_L").replace("Right", "_R")
        own = name if name in _ONE_SIDED else sided
        found = [i for i, known in enumerate(names) if known in (own, f"{own}_L", f"{own}_R")]
        zero = torch.zeros_like(weights[:, 0])
        columns.append(weights[:, found].mean(dim=1) if found else zero)
    return torch.stack(columns, dim=1).clamp(0, 1)


def _eyes(count: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Lids closed on every seventh head, a wink now and then; both eyes look the same way."""
    closed = uniform((count,), 0.7, 1.0, generator)
    opened = uniform((count,), 0.0, 0.35, generator)
    blink = torch.where(chance(count, 0.15, generator), closed, opened)
    wink = torch.where(chance(count, 0.03, generator), 1 - blink, blink)
    across, up = normal((count,), 0.35, generator), normal((count,), 0.25, generator)
    gaze = {
        "In_L": across, "Out_R": across, "Out_L": -across, "In_R": -across,
        "Up_L": up, "Up_R": up, "Down_L": -up, "Down_R": -up,
    }  # fmt: skip
    looks = {f"eyeLook{way}": value.clamp(0, 1) for way, value in gaze.items()}
    return {"eyeBlink_L": blink, "eyeBlink_R": wink, **looks}


def _sometimes(
    count: int, probability: float, low: float, high: float, generator: torch.Generator
) -> Tensor:
    """Between two bounds with a probability, else 0: (count,)."""
    value = uniform((count,), low, high, generator)
    return torch.where(chance(count, probability, generator), value, 0.0)


def _alike(value: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """The other side of a nearly symmetric face."""
    return (value * (1 + normal(value.shape, deviation, generator))).clamp(0, 1)
