"""Animate any portrait with any face video, and keep the face whole where the photograph does not.

animator = reenact.load("reenact-s", device="cpu")
source = animator.encode_source(image)
for frame in animator.animate(source, frames): ...
faces = reenact.read_faces(image)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reenact.animator import load as load
    from reenact.perception.reader import read_faces as read_faces

__version__ = "0.1.0"
__all__ = ["__version__", "load", "read_faces"]


def __getattr__(name: str) -> Any:
    """Import the two doors of the package when they are first used."""
    if name == "load":
        from reenact.animator import load

        return load
    if name == "read_faces":
        from reenact.perception.reader import read_faces

        return read_faces
    raise AttributeError(f"module 'reenact' has no attribute {name!r}")
