"""Which device a command runs on: named by the user, or chosen and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reenact.errors import ConfigError

if TYPE_CHECKING:
    import torch


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is the first GPU that works, or else the CPU.

    Raises:
        ConfigError: The name means nothing, or names a device that is not there.
    """
    import torch  # takes a while: not before a command needs it

    cuda = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(
            f"--device: found {name!r}, expected auto, cpu, cuda or cuda:N. Correct the name."
        ) from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(
            f"--device: found {name!r}, expected auto, cpu, cuda or cuda:N. Choose one of these."
        )
    count = torch.cuda.device_count() if cuda else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ConfigError(
            f"--device: found {name!r}, expected one of {count} CUDA devices that torch can use. "
            "Use --device cpu, or install a torch build for your GPU."
        )
    return device
