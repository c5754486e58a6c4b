"""Encodes the source once, reads the motion of every driving frame, renders the source in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from reenact.config import ModelConfig, MotionConfig
from reenact.errors import ReenactError
from reenact.facelet.bank import FaceletEncoder, build_bank
from reenact.facelet.compensation import FaceletCompensation, build_compensation
from reenact.generator.decoder import PoseAwareDecoder
from reenact.generator.encoder import SourceEncoder
from reenact.layers.grid import warp
from reenact.motion.field import AffineMotion, MaskEstimator
from reenact.motion.keypoints import AffineKeypointDetector
from reenact.motion.mask_estimator import HourglassMaskEstimator, PoseAwareMaskEstimator
from reenact.records import (
    Animation,
    Motion,
    MotionField,
    Parser,
    Parsing,
    PoseEncoder,
    SourceState,
)


@dataclass(frozen=True)
class _Readers:
    """The frozen networks at hand; no module, so that their weights stay out of the model's."""

    parser: Parser | None = None
    pose_encoder: PoseEncoder | None = None


class FaceletModel(nn.Module):
    """Animates a face with the motion of another and fills what the source does not show.

    Three verbs: `encode_source` once per source, `read_motion` and `render` once per frame;
    `forward` does all three. Parsing and pose codes are given, or read by attached frozen networks.
    """

    pose_mean: Tensor
    """(P,) of the pose codes of the training set."""
    pose_deviation: Tensor
    """(P,) of the same, above zero."""

    def __init__(
        self,
        keypoint_detector: AffineKeypointDetector,
        motion: AffineMotion,
        encoder: SourceEncoder,
        decoder: PoseAwareDecoder,
        bank: FaceletEncoder | None,
        compensation: FaceletCompensation | None,
        pose_width: int = 6,
        *,
        pose_code: str = "reader6",
        standardise: bool = True,
        steer_by_both: bool = False,
    ) -> None:
        super().__init__()
        assert (bank is None) == (compensation is None)
        self.keypoint_detector = keypoint_detector
        self.motion = motion
        self.encoder = encoder
        self.decoder = decoder
        self.bank = bank
        self.compensation = compensation
        self.pose_code = pose_code
        self.standardised = standardise
        self.steer_by_both = steer_by_both
        self.register_buffer("pose_mean", torch.zeros(pose_width))
        self.register_buffer("pose_deviation", torch.ones(pose_width))
        self._readers = _Readers()

    def encode_source(
        self, image: Tensor, parsing: Parsing | None = None, pose: Tensor | None = None
    ) -> SourceState:
        """Do all the work that depends on the source alone.

        Picture (B, 3, H, W) in [0, 1], its parsing, and its pose code (B, P) as read.
        """
        keypoints = self.keypoint_detector(image)
        features = self.encoder(image)
        pose = self._read_pose(image) if pose is None else pose
        if self.bank is None or self.compensation is None:
            return SourceState(image, features, keypoints, pose, bank=None, keys=(), values=())
        bank = self.bank(features, self._parse(image) if parsing is None else parsing)
        keys, values = self.compensation.project(bank)
        return SourceState(image, features, keypoints, pose, bank, keys, values)

    def read_motion(self, image: Tensor, pose: Tensor | None = None) -> Motion:
        """Read keypoints and pose code of driving frames (B, 3, H, W) in [0, 1]."""
        keypoints = self.keypoint_detector(image)
        return Motion(keypoints, self._read_pose(image) if pose is None else pose)

    def render(self, source: SourceState, driving: Motion) -> Animation:
        """Draw the source in the motion of the driving frames; batches of equal size."""
        pose = self.standardise(driving.pose)
        steering = pose
        if self.steer_by_both:
            steering = torch.cat([pose, self.standardise(source.pose)], dim=-1)
        field = self.motion(source.image, source.keypoints, driving.keypoints, steering)
        warped = warp_visible(source.features, field)
        filled, compensation = warped, None
        if self.compensation is not None:
            compensation = self.compensation(
                source.keys, source.values, warped, field, driving.keypoints, pose
            )
            filled = compensation.features + warped[len(compensation.features) :]
        *coarse, full = filled
        picture = warp(source.image, field.flows[-1])
        frame = self.decoder(tuple(coarse), full, pose, field.occlusions[-1], picture)
        return Animation(frame, field, compensation, source.keypoints, driving)

    def forward(
        self,
        source: Tensor,
        driving: Tensor,
        source_parsing: Parsing | None = None,
        driving_pose: Tensor | None = None,
        source_pose: Tensor | None = None,
    ) -> Animation:
        """Animate sources (B, 3, H, W) in [0, 1] with driving frames of the same shape.

        Where the driving pose is given and the model does not look at the source's, that one may
        be missing: it is NaN then, as nobody read it.
        """
        if source_pose is None and driving_pose is not None and not self.steer_by_both:
            source_pose = torch.full_like(driving_pose, torch.nan)
        state = self.encode_source(source, source_parsing, source_pose)
        return self.render(state, self.read_motion(driving, driving_pose))

    def standardise(self, pose: Tensor) -> Tensor:
        """Pose codes (B, P) as read to numbers of mean 0 and deviation 1, float32."""
        if not self.standardised:
            return pose.float()
        return (pose.float() - self.pose_mean) / self.pose_deviation

    def set_pose_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Set mean (P,) and deviation (P,) of the pose codes of the training set."""
        if mean.shape != self.pose_mean.shape:
            code, width = self._code
            raise ReenactError(
                f"pose codes of the training set: found {len(mean)} numbers, expected {width} for "
                f"{code!r}. Set pose.code and pose.width to those of the side-cars."
            )
        self.pose_mean.copy_(mean)
        self.pose_deviation.copy_(deviation.clamp(min=1e-6))

    def set_dynamic_temperature(self, temperature: float) -> None:
        """Set how evenly the dynamic layers mix their kernels; 1 is the final value."""
        if self.compensation is not None:
            self.compensation.temperature.fill_(temperature)

    def attach(self, parser: Parser | None = None, pose_encoder: PoseEncoder | None = None) -> Self:
        """Give the model the frozen networks that it asks for what it is not given.

        They stay the caller's: the model neither moves, trains nor saves them.
        """
        if pose_encoder is not None:
            found, expected = (pose_encoder.code, pose_encoder.width), self._code
            if found != expected:
                raise ReenactError(
                    f"pose encoder: its code is {found[0]!r} of {found[1]} numbers, expected "
                    f"{expected[0]!r} of {expected[1]}. Attach the encoder the model was trained "
                    "with."
                )
        before = self._readers
        self._readers = _Readers(
            parser=before.parser if parser is None else parser,
            pose_encoder=before.pose_encoder if pose_encoder is None else pose_encoder,
        )
        return self

    @property
    def _code(self) -> tuple[str, int]:
        return self.pose_code, len(self.pose_mean)

    @torch.no_grad()
    def _parse(self, image: Tensor) -> Parsing:
        if self._readers.parser is None:
            raise ReenactError(
                "source parsing: neither given nor can it be read, as no parser is attached. "
                "Pass `source_parsing`, or call `model.attach(parser=...)`."
            )
        return self._readers.parser.parse(image)

    @torch.no_grad()
    def _read_pose(self, image: Tensor) -> Tensor:
        if self._readers.pose_encoder is None:
            raise ReenactError(
                "pose code: neither given nor can it be read, as no pose encoder is attached. "
                "Pass `driving_pose`, or call `model.attach(pose_encoder=...)`."
            )
        return self._readers.pose_encoder.encode(image)


def warp_visible(features: tuple[Tensor, ...], motion: MotionField) -> tuple[Tensor, ...]:
    """Move features (B, C_i, H_i, W_i) along the flows and dim what is hidden (eq. 4)."""
    return tuple(
        warp(feature, flow) * occlusion.to(feature.dtype)
        for feature, flow, occlusion in zip(features, motion.flows, motion.occlusions, strict=True)
    )


def build_model(config: ModelConfig) -> FaceletModel:
    """A model of that config with fresh weights."""
    motion, pose = config.motion, config.pose
    return FaceletModel(
        keypoint_detector=AffineKeypointDetector(
            num_keypoints=motion.num_keypoints,
            base=motion.base,
            max_width=motion.max_width,
            blocks=motion.blocks,
            affine_maps=motion.affine_maps,
            temperature=motion.temperature,
        ),
        motion=build_motion(motion, pose.width),
        encoder=SourceEncoder(config.encoder.base, config.encoder.max_width),
        decoder=PoseAwareDecoder(
            config.encoder.widths,
            pose.width if config.decoder.pose_aware else None,
            full_resolution_skip=config.decoder.full_resolution_skip,
            image_blend=config.decoder.image_blend,
        ),
        bank=build_bank(config) if config.bank.enabled else None,
        compensation=build_compensation(config) if config.bank.enabled else None,
        pose_width=pose.width,
        pose_code=pose.code,
        standardise=pose.standardise,
        steer_by_both=motion.pose_input == "driving_and_source",
    )


def build_motion(config: MotionConfig, pose_width: int) -> AffineMotion:
    """From keypoints to motion fields."""
    estimator: MaskEstimator
    if config.estimator == "hourglass":
        estimator = HourglassMaskEstimator(
            config.num_keypoints, config.estimator_base, config.estimator_max_width, config.blocks
        )
    else:
        steering = pose_width * (2 if config.pose_input == "driving_and_source" else 1)
        estimator = PoseAwareMaskEstimator(
            config.num_keypoints, steering, config.estimator_widths, config.estimator_last
        )
    return AffineMotion(estimator, config.heatmap_variance, min_determinant=config.min_determinant)
