"""Where the moving faces of one photograph go: pictures from the model to whole frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from reenact.opacity import Opacity, cut_opacity, moved, straight, with_opacity
from reenact.pasting import PasteGroup
from reenact.portrait import Portrait
from reenact.records import Animation, Image
from reenact.restore import restore


class Canvas:
    """A photograph in which one or more portraits move.

    Args:
        portraits: All of one photograph.
        paste_back: Give the whole photograph; otherwise the model's bare 256 x 256 picture, of
            one portrait.
        detail: Put the photograph's own detail back where it still belongs, not just its colours.
        alpha: Give (H, W, 4), the fourth channel being opacity.
        steady: The photograph is that of many frames, so that how it is pasted may depend on where
            its heads are.
    """

    def __init__(
        self,
        portraits: Sequence[Portrait],
        *,
        paste_back: bool = True,
        detail: bool = True,
        alpha: bool = False,
        steady: bool = True,
    ) -> None:
        if not portraits or any(other.photo is not portraits[0].photo for other in portraits):
            raise ValueError("portraits of several photographs, expected those of one")
        if not paste_back and len(portraits) > 1:
            raise ValueError(f"{len(portraits)} faces without paste_back, expected one")
        self._portraits = portraits
        self._detail = detail
        self._alpha = alpha
        self._group: PasteGroup | None = None
        if paste_back:
            photo = portraits[0].photo
            if alpha:
                photo = with_opacity(photo, _united([each.opacity for each in portraits]))
            heads = [each.head.values for each in portraits] if steady else None
            self._group = PasteGroup(photo, [each.square for each in portraits], heads)

    def frames(self, animations: Sequence[Animation]) -> Iterator[Image]:
        """B frames from the animations of the portraits, in their order, of B frames each."""
        drawn = [self._draw(*each) for each in zip(self._portraits, animations, strict=True)]
        for pictures in zip(*drawn, strict=True):
            frame = pictures[0] if self._group is None else self._group.paste(pictures)
            yield straight(frame) if self._alpha and self._portraits[0].opacity.on_paper else frame

    def _draw(self, portrait: Portrait, animation: Animation) -> list[Image]:
        """The square of one portrait in every frame."""
        if self._group is None:
            pictures = animation.frame
        elif self._detail:
            pictures = restore(animation, portrait.residual)
        else:
            pictures = animation.frame + portrait.residual.smooth
        if self._alpha:
            size = pictures.shape[-1]
            part = cut_opacity(portrait.opacity, portrait.square, size, pictures.device)
            pictures = torch.cat([pictures.float(), moved(part, animation)], dim=1)
        return to_images(pictures)


def to_images(batch: Tensor) -> list[Image]:
    """Float (B, C, H, W), clipped to [0, 1], to uint8 (H, W, C) pictures."""
    scaled = (batch.float().clamp(0, 1) * 255).round().to(torch.uint8)
    return list(scaled.permute(0, 2, 3, 1).cpu().numpy())


def _united(opacities: Sequence[Opacity]) -> Opacity:
    """Opaque where any of several opacities of one photograph is."""
    values = np.maximum.reduce([opacity.values for opacity in opacities])
    return Opacity(values, on_paper=opacities[0].on_paper)
