"""Which device to compute on: named by the user, or chosen."""

from __future__ import annotations

import torch

from reenact.errors import ConfigError


def choose_device(name: str | torch.device, role: str = "device") -> torch.device:
    """The device of that name; "auto" is the first GPU that works, or else the CPU.

    Args:
        name: "auto", "cpu", "cuda" or "cuda:N".
        role: What the name is, for errors.

    Raises:
        ConfigError: The name means nothing, or names a device that is not there.
    """
    cuda = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "cpu")
    unknown = f"{role}: found {str(name)!r}, expected auto, cpu, cuda or cuda:N. Correct it."
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(unknown) from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(unknown)
    count = torch.cuda.device_count() if cuda else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ConfigError(
            f"{role}: found {str(name)!r}, expected one of {count} CUDA devices "
            "that torch can use. Take the CPU, or install a torch build for your GPU."
        )
    return device
