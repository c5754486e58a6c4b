"""Lets the regions of one face inform one another (eq. 7-9)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Residual = Literal["printed", "prenorm"]


class TransformerLayer(nn.Module):
    """One transformer layer over tokens; starts as the identity.

    `printed` is the paper's: x + FFN(LN(MSA(x))). `prenorm` is the usual x + MSA(LN(x)), then
    x + FFN(LN(x)).
    """

    def __init__(
        self, width: int, heads: int, feed_forward: int, residual: Residual = "printed"
    ) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.attention_norm = nn.LayerNorm(width) if residual == "prenorm" else None
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, feed_forward)
        self.narrow = nn.Linear(feed_forward, width)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)
        if self.attention_norm is not None:
            nn.init.zeros_(self.attention.out.weight)
            nn.init.zeros_(self.attention.out.bias)

    def forward(self, tokens: Tensor, attended: Tensor) -> Tensor:
        """Tokens (B, R, D) to the same; only those with `attended` (B, R) True are looked at."""
        if self.attention_norm is None:
            mixed = self.attention(tokens, attended)
        else:
            mixed = tokens = tokens + self.attention(self.attention_norm(tokens), attended)
        hidden = F.relu(self.widen(self.norm(mixed)))
        change: Tensor = self.narrow(hidden)
        return tokens + change


class SelfAttention(nn.Module):
    """Multi-head attention among the tokens of one face (eq. 7 and 8)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        assert width % heads == 0
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, attended: Tensor) -> Tensor:
        """Tokens (B, R, D), keys to use (B, R) bool: (B, R, D)."""
        query, key, value = (
            project(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=attended[:, None, None])
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out
