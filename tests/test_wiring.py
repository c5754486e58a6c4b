"""Every key of a model's config reaches the network, and every input its place in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, get_type_hints

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.config import ModelConfig
from reenact.model import FaceletModel, warp_visible
from reenact.records import Animation, Parsing
from tiny_model import block_parsing, make_generator, make_loud, smooth_images

MEAN = torch.tensor([0.5, -1.0, 2.0, 0.1, 0.0, -0.3])
DEVIATION = torch.tensor([0.2, 0.5, 3.0, 1.5, 0.7, 2.0])
BOTH = "motion.pose_input=driving_and_source"
PLAIN = ("motion.estimator=hourglass", "motion.estimator_base=8")
ELSEWHERE = {
    "image_size",  # the data's
    "pose.code",  # the readers'
    "compensation.initial_temperature",  # the schedule's
}
"""Keys that say nothing about the network itself."""


class Change(NamedTuple):
    """Another value of a key."""

    setting: str
    parts: str = ""
    """Whose weights are others then; where there are none, the same weights draw otherwise."""
    given: tuple[str, ...] = ()
    """What the key asks for to matter."""


ENCODED = "encoder decoder bank compensation"
CHANGES = (
    Change(
        "pose.width=4",
        "pose_mean pose_deviation motion compensation decoder",
        ("pose.code=ours",),
    ),
    Change("pose.standardise=false"),
    Change(
        "motion.num_keypoints=4", "keypoint_detector motion compensation", ("motion.affine_maps=1",)
    ),
    Change("motion.base=4", "keypoint_detector"),
    Change("motion.max_width=12", "keypoint_detector"),
    Change("motion.blocks=2", "keypoint_detector"),
    Change("motion.blocks=2", "keypoint_detector motion", PLAIN),
    Change("motion.affine_maps=1", "keypoint_detector"),
    Change("motion.temperature=0.2"),
    Change("motion.min_determinant=100"),
    Change("motion.heatmap_variance=0.03"),
    Change("motion.estimator=hourglass", "motion"),
    Change("motion.estimator_widths=[8,16,12]", "motion"),
    Change("motion.estimator_last=4", "motion"),
    Change("motion.estimator_base=4", "motion", PLAIN),
    Change("motion.estimator_max_width=12", "motion", PLAIN),
    Change(BOTH, "motion"),
    Change("encoder.base=4", ENCODED),
    Change("encoder.max_width=12", ENCODED),
    Change("decoder.full_resolution_skip=false", "decoder"),
    Change("decoder.pose_aware=false", "decoder"),
    Change("decoder.image_blend=false"),
    Change("bank.enabled=false", "bank compensation"),
    Change("bank.width=12", "bank compensation"),
    Change("bank.heads=1"),
    Change("bank.feed_forward=8", "bank"),
    Change("bank.residual=prenorm", "bank"),
    Change("bank.mask_resize=nearest"),
    Change("bank.min_area=5000"),
    Change("bank.absent=learned"),
    Change("bank.absent=zero"),
    Change("compensation.width=4", "compensation"),
    Change("compensation.kernels=2", "compensation"),
    Change("compensation.null_token=false", "compensation"),
    Change("compensation.query=literal", "compensation"),
    Change("compensation.query_kernel=1", "compensation"),
    Change("compensation.modulation_width=4", "compensation"),
    Change("compensation.min_occlusion=0.9"),
    Change("compensation.heatmap_variances=[0.01,0.04,0.01,0.01,0.01]"),
    Change("compensation.heatmap_variances=[0.04,0.04,0.01,0.04,0.01]"),
    Change("compensation.scales=5", "bank compensation"),
    Change("compensation.scales=2", "bank compensation"),
)


def inputs() -> dict[str, Any]:
    """Two pairs, a region of whose sources is hidden on one side and one on both."""
    labels = block_parsing(seed=3).labels
    labels[(labels == 5) | (labels == 9)] = 0
    return {
        "source": smooth_images(seed=1),
        "driving": smooth_images(seed=2),
        "source_parsing": Parsing(labels),
        "driving_pose": MEAN + DEVIATION * torch.randn(2, 6, generator=make_generator(4)),
        "source_pose": MEAN + DEVIATION * torch.randn(2, 6, generator=make_generator(5)),
    }


def shapes(model: FaceletModel) -> dict[str, dict[str, torch.Size]]:
    """Of all weights, by the part of the model that they belong to."""
    found: dict[str, dict[str, torch.Size]] = {}
    for name, tensor in model.state_dict().items():
        found.setdefault(name.split(".")[0], {})[name] = tensor.shape
    return found


def keys_of(schema: type, place: str = "") -> Iterator[str]:
    kinds = get_type_hints(schema)
    for field in fields(schema):
        if is_dataclass(kinds[field.name]):
            yield from keys_of(kinds[field.name], f"{place}{field.name}.")
        else:
            yield place + field.name


def test_no_key_is_left_out() -> None:
    listed = {change.setting.split("=")[0] for change in CHANGES}
    assert listed | ELSEWHERE == set(keys_of(ModelConfig))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.setting)
def test_every_key_has_a_say(change: Change) -> None:
    before, after = make_loud(*change.given), make_loud(*change.given, change.setting)
    old, new = shapes(before), shapes(after)
    assert {part for part in {*old, *new} if old.get(part) != new.get(part)} == {
        *change.parts.split()
    }
    if not change.parts:
        before.set_pose_statistics(MEAN, DEVIATION)
        after.load_state_dict(before.state_dict())
        difference = before(**inputs()).frame - after(**inputs()).frame
        assert difference.abs().max().item() > 1e-3


@pytest.mark.parametrize("given", [(), (BOTH,)], ids=["driving pose", "both poses"])
def test_poses_take_part_standardised(given: tuple[str, ...]) -> None:
    model, known = make_loud(*given), inputs()
    standard = {name: (known[name] - MEAN) / DEVIATION for name in ("driving_pose", "source_pose")}
    expected = model(**(known | standard))
    model.set_pose_statistics(MEAN, DEVIATION)
    out = model(**known)
    assert_close(drawn(out), drawn(expected), atol=1e-4, rtol=1e-4)


def drawn(out: Animation) -> tuple[Tensor, ...]:
    assert out.compensation is not None
    return (out.frame, out.motion.masks, *out.compensation.attention)


def test_the_pose_of_the_source_steers_the_masks_where_asked_for() -> None:
    other = inputs()["source_pose"] + 1
    for given, has_a_say in ((), False), ((BOTH,), True):
        model = make_loud(*given)
        masks = [model(**(inputs() | pose)).motion.masks for pose in ({}, {"source_pose": other})]
        assert bool((masks[0] - masks[1]).abs().max() > 1e-4) is has_a_say


def test_compensation_looks_for_the_driving_keypoints() -> None:
    model, known = make_loud(), inputs()
    model.set_pose_statistics(MEAN, DEVIATION)
    state = model.encode_source(known["source"], known["source_parsing"], known["source_pose"])
    motion = model.read_motion(known["driving"], known["driving_pose"])
    out = model.render(state, motion)
    assert model.compensation is not None
    assert out.compensation is not None
    expected = model.compensation(
        state.keys,
        state.values,
        warp_visible(state.features, out.motion),
        out.motion,
        motion.keypoints,
        (known["driving_pose"] - MEAN) / DEVIATION,
    )
    assert_close(out.compensation.attention, expected.attention)
    assert_close(out.compensation.features, expected.features)
