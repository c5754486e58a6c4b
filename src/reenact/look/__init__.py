"""What the model saw and did, as pictures: why a frame looks as it does."""

from reenact.look.sheet import Sheet
from reenact.look.stages import Stage, watch

__all__ = ["Sheet", "Stage", "watch"]
