"""One training step: a batch of pairs in, one number to lower and its parts out."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reenact.data.pairs import PairBatch
from reenact.facelet.localization import Sign, localization_loss, region_attention
from reenact.facelet.regions import MIN_AREA
from reenact.layers.grid import sample
from reenact.model import FaceletModel
from reenact.motion.equivariance import Bend, equivariance_loss
from reenact.perception.mesh import NUM_POINTS
from reenact.records import Animation, Parsing
from reenact.training.losses import PerceptualLoss, expressive_area, flow_loss, pixel_loss

NUM_BATCH_TENSORS = len(fields(PairBatch))


class LossWeights(NamedTuple):
    """What each loss counts; a loss of weight 0 is not computed."""

    perceptual: float
    equivariance_value: float
    equivariance_jacobian: float
    localization: float
    pixel: float
    flow: float
    expressive: float = 0.0
    """Extra weight of eyes and mouth in the last two."""
    perceptual_expressive: float = 0.0
    """The same in the first."""
    below_chin: float = 0.0
    """Extra weight of the points below the chin in the flow loss."""


class TrainingModule(nn.Module):
    """The model and its losses as one module, to be wrapped for several devices and compiled.

    Such modules take and return tensors: records go in through `tensors()` and are rebuilt inside.
    """

    def __init__(
        self,
        model: FaceletModel,
        perceptual: PerceptualLoss,
        weights: LossWeights,
        localization_sign: Sign = "corrected",
        min_area: float = MIN_AREA,
    ) -> None:
        super().__init__()
        self.model = model
        self.perceptual = perceptual
        self.weights = weights
        self.localization_sign: Sign = localization_sign
        self.min_area = min_area

    def forward(self, flow_share: Tensor, *tensors: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The total, and its parts unweighted and detached.

        Args:
            flow_share: () what is left of the weight of the flow loss, 1 to 0.
            tensors: Those of a `PairBatch`, then those of a `Bend`.
        """
        batch = PairBatch(*tensors[:NUM_BATCH_TENSORS])
        bend = Bend(*tensors[NUM_BATCH_TENSORS:])
        animation = self.model(
            batch.source,
            batch.driving,
            source_parsing=Parsing(batch.source_parsing),
            driving_pose=batch.driving_pose,
            source_pose=batch.source_pose,
        )
        terms = self._reconstruction(animation, batch)
        terms |= self._equivariance(animation, batch, bend)
        watched = {}
        if animation.compensation is not None:
            attention = animation.compensation.attention
            driving_parsing = Parsing(batch.driving_parsing)
            regions = region_attention(attention, driving_parsing, self.min_area)
            terms["localization"] = localization_loss(regions, self.localization_sign)
            present = regions.present.unsqueeze(1).float()
            share = present / present.sum().clamp_min(1) / regions.inside.shape[1]
            watched["attention_inside"] = (regions.inside * share).sum()
            watched["attention_outside"] = (regions.outside * share).sum()
        weights = self.weights._asdict()
        weights["flow"] = weights["flow"] * flow_share
        total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        return total, {name: value.detach() for name, value in (terms | watched).items()}

    def _reconstruction(self, animation: Animation, batch: PairBatch) -> dict[str, Tensor]:
        weights, frame = self.weights, animation.frame
        if weights.perceptual_expressive == weights.pixel == weights.flow == 0:
            return {"perceptual": self.perceptual(frame, batch.driving)}
        expressive = expressive_area(Parsing(batch.driving_parsing))
        places = None
        if weights.perceptual_expressive > 0:
            places = 1 + weights.perceptual_expressive * expressive
        terms = {"perceptual": self.perceptual(frame, batch.driving, places)}
        area = weights.expressive * expressive
        if weights.pixel > 0:
            terms["pixel"] = pixel_loss(frame, batch.driving, 1 + area)
        if weights.flow > 0:
            extra = sample(area, batch.driving_points.unsqueeze(1)).flatten(1)
            extra[:, NUM_POINTS:] += weights.below_chin
            terms["flow"] = flow_loss(
                animation.motion.flows[-1],
                batch.source_points,
                batch.driving_points,
                batch.point_weights * (1 + extra),
            )
        return terms

    def _equivariance(
        self, animation: Animation, batch: PairBatch, bend: Bend
    ) -> dict[str, Tensor]:
        bent = self.model.keypoint_detector(bend.picture(batch.driving))
        value, jacobian = equivariance_loss(
            animation.driving.keypoints, bent, bend, self.model.motion.min_determinant
        )
        return {"equivariance_value": value, "equivariance_jacobian": jacobian}
