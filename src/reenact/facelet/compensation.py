"""Fills what the source does not show from the facelet bank (eq. 10 and 11)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reenact.config import ModelConfig
from reenact.facelet.dynamic import DynamicLinear, KernelMixture, mix_kernels
from reenact.facelet.query import ContextQuery, LiteralQuery, frame_layout
from reenact.layers.precision import exact_einsum, full_precision
from reenact.records import NUM_REGIONS, Compensation, FaceletBank, Keypoints, MotionField

Query = ContextQuery | LiteralQuery


class FaceletCompensation(nn.Module):
    """Cross-attention of warped features to the bank at each of its scales.

    What depends on the source alone, `project`, is apart from what depends on the frame, `forward`.
    """

    temperature: Tensor
    """Of the kernel mixtures; training lowers it to 1 (method.md 9.1)."""

    def __init__(
        self,
        queries: Sequence[Query],
        feature_widths: Sequence[int],
        token_width: int,
        width: int = 128,
        *,
        kernels: int = 4,
        null_token: bool = True,
        variances: Sequence[float] = (0.04, 0.04, 0.01, 0.01),
    ) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            TokenProjection(token_width, width, channels, kernels, null_token=null_token)
            for channels in feature_widths
        )
        self.fillers = nn.ModuleList(
            HoleFiller(query, channels, kernels)
            for query, channels in zip(queries, feature_widths, strict=True)
        )
        self.variances = tuple(variances)
        self.register_buffer("temperature", torch.ones(()))

    def project(self, bank: FaceletBank) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Keys (B, M, R+1, d) and values (B, M, R+1, C_i) of every scale; once per source."""
        keys, values = [], []
        for projection, tokens in zip(self.projections, bank.tokens.unbind(1), strict=True):
            key, value = projection(tokens)
            keys.append(key)
            values.append(value)
        return tuple(keys), tuple(values)

    def forward(
        self,
        keys: tuple[Tensor, ...],
        values: tuple[Tensor, ...],
        warped: tuple[Tensor, ...],
        motion: MotionField,
        driving: Keypoints,
        pose: Tensor,
    ) -> Compensation:
        """Fill warped features (B, C_i, H_i, W_i), coarsest first; pose (B, P) standardised.

        Features beyond the scales of the bank are left out.
        """
        filled, shares = [], []
        for scale, filler in enumerate(self.fillers):
            features, share = filler(
                keys[scale],
                values[scale],
                warped[scale],
                motion.occlusions[scale],
                frame_layout(motion, driving, scale, self.variances[scale]),
                pose,
                self.temperature,
            )
            filled.append(features)
            shares.append(share)
        return Compensation(
            features=tuple(filled),
            attention=tuple(share[:, :NUM_REGIONS] for share in shares),
            null=tuple(share[:, NUM_REGIONS:].sum(1, keepdim=True) for share in shares),
        )


class TokenProjection(nn.Module):
    """Tokens of one scale to keys and values, one dynamic layer each (method.md 9.1)."""

    def __init__(
        self, token_width: int, width: int, channels: int, kernels: int, *, null_token: bool
    ) -> None:
        super().__init__()
        self.key = DynamicLinear(token_width, width, kernels)
        self.value = DynamicLinear(token_width, channels, kernels)
        self.null_key = nn.Parameter(torch.randn(width).mul_(0.02)) if null_token else None

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, R, D) to keys (B, M, R+1, d) and values (B, M, R+1, C), null token last.

        The null token is the same in every kernel, so mixing leaves it alone; its value is zero.
        """
        keys, values = self.key(tokens), self.value(tokens)
        if self.null_key is None:
            return keys, values
        null_key = self.null_key.expand(*keys.shape[:2], 1, -1)
        null_value = values.new_zeros(*values.shape[:2], 1, values.shape[-1])
        return torch.cat([keys, null_key], dim=2), torch.cat([values, null_value], dim=2)


class HoleFiller(nn.Module):
    """Asks the tokens of one scale and adds their answer to the warped features (eq. 11)."""

    def __init__(self, query: Query, channels: int, kernels: int) -> None:
        super().__init__()
        self.query = query
        self.key_mixture = KernelMixture(channels, kernels)
        self.value_mixture = KernelMixture(channels, kernels)

    def forward(
        self,
        keys: Tensor,
        values: Tensor,
        warped: Tensor,
        occlusion: Tensor,
        layout: Tensor,
        pose: Tensor,
        temperature: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Filled features (B, C, H, W) and the shares (B, R+1, H, W) the tokens had in them."""
        query = self.query(warped, occlusion, layout, pose)
        # Both mixtures look at the mean alone: taken once, summed in float32 without a copy.
        average = warped.mean(dim=(-2, -1), keepdim=True, dtype=torch.float32)
        answer, shares = attend(
            query,
            mix_kernels(keys, self.key_mixture(average, temperature)),
            mix_kernels(values, self.value_mixture(average, temperature)),
        )
        return warped + answer.to(warped.dtype), shares


def attend(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """What each pixel takes from the tokens, and from which (eq. 10), in float32.

    Queries (B, d, H, W), keys (B, R, d) and values (B, R, C) to (B, C, H, W) and shares
    (B, R, H, W) that sum to 1 over the tokens.
    """
    with full_precision(query):
        scaled = keys.float() * query.shape[1] ** -0.5
        shares = exact_einsum("brd,bdhw->brhw", scaled, query.float()).softmax(dim=1)
        # Pixels times tokens gives channels last, as the features are that the answer is added to.
        answer = torch.einsum("brhw,brc->bhwc", shares, values.float())
        return answer.permute(0, 3, 1, 2), shares


def build_compensation(config: ModelConfig) -> FaceletCompensation:
    """The compensation of a model."""
    compensation = config.compensation
    return FaceletCompensation(
        queries=[_build_query(config, channels) for channels in config.filled_widths],
        feature_widths=config.filled_widths,
        token_width=config.bank.width,
        width=compensation.width,
        kernels=compensation.kernels,
        null_token=compensation.null_token,
        variances=compensation.heatmap_variances,
    )


def _build_query(config: ModelConfig, channels: int) -> Query:
    compensation = config.compensation
    if compensation.query == "literal":
        return LiteralQuery(channels, compensation.width)
    return ContextQuery(
        channels,
        compensation.width,
        config.motion.num_keypoints,
        config.pose.width,
        kernel=compensation.query_kernel,
        modulation_width=compensation.modulation_width,
        min_occlusion=compensation.min_occlusion,
    )
