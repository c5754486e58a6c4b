"""The device of `--device`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def choose_device(name: str) -> torch.device:
    """The device of that name, as `reenact.device.choose_device` finds it.

    Raises:
        ConfigError: The name means nothing, or names a device that is not there.
    """
    from reenact import device  # brings torch: not before a command needs it

    return device.choose_device(name, role="--device")
