"""What frames are computed on, and why it is no GPU."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

_DRIVER = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""Where a driver of NVIDIA shows itself; the last under WSL."""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One CUDA device that torch sees."""

    name: str
    memory_mb: float
    """Megabytes (10^6 bytes)."""
    capability: str
    """Like sm_90."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """What frames are computed on."""

    chosen: str
    """What `--device auto` takes."""
    cpu: str
    cores: int
    """CPU cores that this process may use."""
    threads: int
    """That torch uses."""
    gpus: tuple[Gpu, ...]
    gpu_problem: str
    """Why no GPU is used, or the one that is will fail; empty where all is well."""


def examine_device() -> Device:
    """The device that commands would choose, and why it is no GPU if it is none."""
    available = torch.cuda.is_available()
    gpus = tuple(map(_gpu, range(torch.cuda.device_count()))) if available else ()
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return Device(
        chosen="cuda" if available else "cpu",
        cpu=device_name(torch.device("cpu")),
        cores=len(usable) or os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        gpus=gpus,
        gpu_problem=gpu_problem(
            available=available,
            build=torch.version.cuda,
            driver=any(path.exists() for path in _DRIVER),
            visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
            capabilities=[gpu.capability for gpu in gpus],
            kernels=torch.cuda.get_arch_list() if available and torch.version.cuda else (),
            metal=torch.backends.mps.is_available(),
        ),
    )


def gpu_problem(
    *,
    available: bool,
    build: str | None,
    driver: bool,
    visible: str | None,
    capabilities: Sequence[str] = (),
    kernels: Sequence[str] = (),
    metal: bool = False,
) -> str:
    """Why no GPU is used, or the one that is will fail, and what to do.

    Args:
        available: Whether torch can use CUDA.
        build: Release of CUDA that torch was built for.
        driver: Whether there is a driver of NVIDIA.
        visible: CUDA_VISIBLE_DEVICES.
        capabilities: What the GPUs are, like sm_90.
        kernels: What torch was built for, like sm_90.
        metal: Whether this is a Mac with a GPU that torch can use.
    """
    if available:
        strange = [name for name in capabilities if kernels and not _runs_on(name, kernels)]
        if not strange:
            return ""
        return (
            f"the GPU is of kind {strange[0]}, expected one of {', '.join(kernels)}, for which "
            "this torch is built. Use --device cpu, or install another build of torch."
        )
    if metal:
        return "Metal GPUs are not used: only CUDA and CPUs are tested. Commands run on the CPU."
    if not driver:
        also = "" if build else ", and this torch is built without CUDA"
        return f"no NVIDIA driver found{also}. If there is an NVIDIA GPU, install what is missing."
    if build is None:
        return (
            "there is an NVIDIA driver, but this torch is built without CUDA. Install a CUDA "
            "build, for example from https://download.pytorch.org/whl/cu128."
        )
    if visible is not None and (not visible.strip() or visible.strip().startswith("-")):
        return f"CUDA_VISIBLE_DEVICES is {visible!r}, which hides every GPU. Unset it."
    return (
        f"there is an NVIDIA driver, but torch (built for CUDA {build}) cannot use it. Update the "
        "driver, or install torch for an older CUDA; `nvidia-smi` shows what the driver knows."
    )


def device_name(device: torch.device) -> str:
    """What a shop would call it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    lines = Path("/proc/cpuinfo")
    if lines.is_file():
        for line in lines.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _gpu(index: int) -> Gpu:
    properties = torch.cuda.get_device_properties(index)
    return Gpu(
        name=properties.name,
        memory_mb=properties.total_memory / 1e6,
        capability=f"sm_{properties.major}{properties.minor}",
    )


def _runs_on(capability: str, kernels: Sequence[str]) -> bool:
    """Whether a GPU runs one of these: kernels within a generation, portable code from it on."""
    major, minor = _generation(capability)
    for kernel in kernels:
        built = _generation(kernel)
        if kernel.startswith("compute_") and built <= (major, minor):
            return True
        if built[0] == major and built[1] <= minor:
            return True
    return False


def _generation(name: str) -> tuple[int, int]:
    """Like sm_90a or compute_120 to (9, 0) or (12, 0)."""
    digits = "".join(filter(str.isdigit, name))
    return int(digits[:-1] or 0), int(digits[-1:] or 0)
