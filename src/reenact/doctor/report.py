"""Everything about an installation in one record."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata

from reenact.doctor.device import Device, examine_device
from reenact.doctor.files import File, examine_file, shipped_files
from reenact.perception import weights as catalogue

PACKAGES = ("torch", "av", "opencv-python-headless", "numpy", "safetensors", "pydantic")
"""Distributions without which nothing runs."""
EXTRAS = {"train": ("lightning", "tensorboard")}
"""Distributions by the extra that installs them."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All of it."""

    versions: dict[str, str]
    """Of reenact, Python, the system and the distributions; "not installed" where missing."""
    device: Device
    shipped: tuple[File, ...]
    others: tuple[File, ...]
    folders: tuple[str, ...]
    """Where networks of others are looked for."""


def examine() -> Report:
    """Look at everything."""
    return Report(
        versions=versions(),
        device=examine_device(),
        shipped=tuple(shipped_files()),
        others=tuple(map(examine_file, catalogue.catalogue())),
        folders=tuple(map(str, catalogue.folders())),
    )


def versions() -> dict[str, str]:
    """Versions of what matters, by name."""
    wanted = [*PACKAGES, *(name for names in EXTRAS.values() for name in names)]
    return {
        "reenact": version("reenact"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in wanted},
    }


def version(distribution: str) -> str:
    """Installed version, or that there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
