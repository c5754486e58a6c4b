from __future__ import annotations

import pytest
import torch

from reenact.doctor import device_name
from reenact.doctor.device import examine_device, gpu_problem

GOOD = {"available": True, "build": "12.8", "driver": True, "visible": None}


def test_a_gpu_that_works_is_no_problem() -> None:
    assert not gpu_problem(**GOOD, capabilities=["sm_90"], kernels=["sm_80", "sm_90"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"driver": False}, "no NVIDIA driver"),
        ({"driver": False, "build": None}, "and this torch is built without CUDA"),
        ({"build": None}, "this torch is built without CUDA"),
        ({"visible": ""}, "hides every GPU"),
        ({"visible": "-1"}, "hides every GPU"),
        ({"visible": "0"}, "Update the driver"),
        ({"driver": False, "metal": True}, "Metal"),
    ],
)
def test_every_reason_is_told_with_what_to_do(change: dict[str, object], said: str) -> None:
    problem = gpu_problem(**{**GOOD, "available": False, **change})  # type: ignore[arg-type]
    assert said in problem
    assert problem.endswith(".")


@pytest.mark.parametrize(
    ("kind", "kernels", "works"),
    [
        ("sm_90", ["sm_80", "sm_90a"], True),
        ("sm_86", ["sm_80"], True),
        ("sm_80", ["sm_86"], False),
        ("sm_120", ["sm_90"], False),
        ("sm_120", ["sm_90", "compute_90"], True),
        ("sm_61", ["sm_70", "compute_70"], False),
        ("sm_61", [], True),
    ],
)
def test_a_gpu_needs_code_for_its_kind(kind: str, kernels: list[str], works: bool) -> None:
    problem = gpu_problem(**GOOD, capabilities=[kind], kernels=kernels)  # type: ignore[arg-type]
    assert (not problem) == works
    assert works or kind in problem


def test_this_machine_has_a_processor_and_one_answer() -> None:
    device = examine_device()
    assert device.cores >= 1
    assert device.cpu == device_name(torch.device("cpu")) != ""
    assert bool(device.gpus) == (device.chosen == "cuda")
    assert device.gpus or device.gpu_problem
