"""What can be judged: anything that turns a source and driving frames into frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from reenact.motion.transfer import transfer
from reenact.records import Animation, Motion, SourceState

Draw = Callable[[Tensor], Tensor]
"""Driving frames (B, 3, H, W) in [0, 1] to generated ones."""
Method = Callable[[Tensor], Draw]
"""From one source, or one for each driving frame, to what draws it in their motion."""
CrossMethod = Callable[[Tensor, Tensor], Draw]
"""The same from one source and the driving frame that motion is counted from (1, 3, H, W)."""


class ReenactmentModel(Protocol):
    """The three verbs of every model family, with its frozen readers attached."""

    def encode_source(self, image: Tensor, /) -> SourceState:
        """Everything that depends on the source alone."""
        ...

    def read_motion(self, image: Tensor, /) -> Motion:
        """Everything that is read from a driving frame."""
        ...

    def render(self, source: SourceState, driving: Motion, /) -> Animation:
        """The source in that motion."""
        ...


def absolute(method: Method) -> CrossMethod:
    """A method that takes the driving face as it is, wherever motion is counted from."""
    return lambda source, initial: method(source)


def repeat_source(source: Tensor) -> Draw:
    """The least a method has to beat: showing the source, whatever the driving frame."""
    return source.expand_as


def repeat_driving(source: Tensor) -> Draw:
    """Perfect motion, wrong person: showing the driving frame, whatever the source."""
    return lambda driving: driving


def animate_with(model: ReenactmentModel) -> Method:
    """A model's frames, absolute motion."""

    def start(source: Tensor) -> Draw:
        rendered = render_with(model, source)
        return lambda driving: rendered(driving).frame

    return start


def follow_with(model: ReenactmentModel) -> CrossMethod:
    """A model's frames, relative motion: the source does what the driving face did since `initial`.

    Steps grow and shrink with the size of the face, as `reenact animate` has them.
    """

    def start(source: Tensor, initial: Tensor) -> Draw:
        state = model.encode_source(source)
        first = model.read_motion(initial)

        def draw(driving: Tensor) -> Tensor:
            now = model.read_motion(driving)
            motion = transfer(state.keypoints, state.pose, now, first, adapt_scale=True)
            return model.render(_repeated(state, len(driving)), motion).frame

        return draw

    return start


def render_with(model: ReenactmentModel, source: Tensor) -> Callable[[Tensor], Animation]:
    """A model's frames and what they were made of; the source is encoded once."""
    state = model.encode_source(source)

    def render(driving: Tensor) -> Animation:
        sources = state if len(source) == len(driving) else _repeated(state, len(driving))
        return model.render(sources, model.read_motion(driving))

    return render


def _repeated(state: SourceState, count: int) -> SourceState:
    return state.map(lambda tensor: tensor.expand(count, *tensor.shape[1:]))
