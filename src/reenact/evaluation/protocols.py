"""What can be measured, by name."""

from enum import StrEnum


class Protocol(StrEnum):
    """One table each."""

    RECONSTRUCTION = "reconstruction"
    """The first frame of every clip, driven by the others."""
    OCCLUSION = "occlusion"
    """Regions that the source hides and the driving frame shows."""
    CROSS = "cross"
    """One person's picture, driven by another's clip."""
    ATTENTION = "attention"
    """Whether facelets look at their own regions."""
    RENDERED = "rendered"
    """Hidden regions again, on heads drawn from the stills of the folder."""


USUAL = (Protocol.RECONSTRUCTION, Protocol.OCCLUSION, Protocol.ATTENTION)
"""What needs clips alone."""
