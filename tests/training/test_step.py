from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.data.pairs import PairBatch
from reenact.data.sampling import ClipPairs
from reenact.data.store import ClipStore
from reenact.facelet.localization import Sign, region_attention
from reenact.layers.grid import sample
from reenact.model import FaceletModel, build_model
from reenact.motion.equivariance import Bend, random_bend
from reenact.perception.mesh import NUM_POINTS
from reenact.records import Animation, Parsing
from reenact.training.build import (
    build_optimizer,
    build_training_module,
)
from reenact.training.config import TrainConfig
from reenact.training.losses import (
    EXPRESSIVE_LABELS,
    PerceptualLoss,
    expressive_area,
    flow_loss,
    pixel_loss,
)
from reenact.training.recording import record
from reenact.training.step import LossWeights, TrainingModule
from reenact.training.validation import (
    clip_reconstruction,
    repeat_source,
    split_batch,
    turned_pairs,
    validate,
)
from stubs import Pixels
from tiny_model import block_parsing, make_loud, smooth_images

Stores = tuple[ClipStore, ClipStore]


@pytest.fixture
def module(tiny: TrainConfig) -> TrainingModule:
    torch.manual_seed(0)
    return build_training_module(tiny.loss, build_model(tiny.model))


@pytest.fixture
def batch(stores: Stores) -> PairBatch:
    return ClipPairs(stores[0]).draw(2, torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def inputs(batch: PairBatch, flow_share: float = 1.0) -> tuple[torch.Tensor, ...]:
    bend = random_bend(len(batch), torch.Generator().manual_seed(1))
    share = torch.tensor(flow_share)
    return (share, *batch.tensors(), bend.affine, bend.weights, bend.controls)


def test_the_total_is_the_weighted_sum_of_the_terms(
    module: TrainingModule, batch: PairBatch
) -> None:
    total, terms = module(*inputs(batch, flow_share=0.5))
    weights = module.weights._asdict() | {"flow": 0.5 * module.weights.flow}
    expected = sum(weights[name] * terms[name] for name in set(weights) & set(terms))
    assert set(weights) - set(terms) == {"expressive", "perceptual_expressive", "below_chin"}
    assert_close(total.detach(), expected)
    assert not any(term.requires_grad for term in terms.values())


WEIGHTS = LossWeights(
    perceptual=2.0,
    equivariance_value=3.0,
    equivariance_jacobian=5.0,
    localization=7.0,
    pixel=11.0,
    flow=13.0,
    expressive=0.5,
    perceptual_expressive=1.5,
    below_chin=2.0,
)


def unlike_pairs() -> PairBatch:
    """Pairs whose source and driving frame have nothing in common."""
    images, labels = (smooth_images(1), smooth_images(2)), (block_parsing(3), block_parsing(4))
    chance = torch.Generator().manual_seed(5)
    return PairBatch(
        source=images[0],
        driving=images[1],
        source_parsing=labels[0].labels,
        driving_parsing=labels[1].labels,
        source_pose=torch.randn(2, 6, generator=chance),
        driving_pose=torch.randn(2, 6, generator=chance),
        source_points=1.8 * torch.rand(2, NUM_POINTS + 40, 2, generator=chance) - 0.9,
        driving_points=1.8 * torch.rand(2, NUM_POINTS + 40, 2, generator=chance) - 0.9,
        point_weights=torch.rand(2, NUM_POINTS + 40, generator=chance),
    )


class Stepped(NamedTuple):
    """One step, and what it is to be worked out from again."""

    batch: PairBatch
    bend: Bend
    model: FaceletModel
    animation: Animation
    total: Tensor
    terms: dict[str, Tensor]


def step_unlike_pairs(sign: Sign = "corrected") -> Stepped:
    model, batch = make_loud("motion.pose_input=driving_and_source"), unlike_pairs()
    torch.nn.init.normal_(model.keypoint_detector.affine.weight, std=0.1)
    perceptual = PerceptualLoss(Pixels(), (1.0,))  # type: ignore[arg-type]
    module = TrainingModule(model, perceptual, WEIGHTS, sign).requires_grad_(False)
    total, terms = module(*inputs(batch, flow_share=0.5))
    state = model.encode_source(batch.source, Parsing(batch.source_parsing), batch.source_pose)
    animation = model.render(state, model.read_motion(batch.driving, batch.driving_pose))
    return Stepped(batch, Bend(*inputs(batch)[-3:]), model, animation, total, terms)


def test_reconstruction_worked_out_again() -> None:
    batch, _, _, out, _, terms = step_unlike_pairs()
    area = expressive_area(Parsing(batch.driving_parsing))
    there = sample(area, batch.driving_points.unsqueeze(1)).flatten(1)
    below = torch.arange(NUM_POINTS + 40) >= NUM_POINTS
    perceptual = PerceptualLoss(Pixels(), (1.0,))  # type: ignore[arg-type]
    assert_close(terms["perceptual"], perceptual(out.frame, batch.driving, 1 + 1.5 * area))
    assert_close(terms["pixel"], pixel_loss(out.frame, batch.driving, 1 + 0.5 * area))
    assert_close(
        terms["flow"],
        flow_loss(
            out.motion.flows[-1],
            batch.source_points,
            batch.driving_points,
            batch.point_weights * (1 + 0.5 * there + 2.0 * below),
        ),
    )


def test_equivariance_worked_out_again() -> None:
    batch, bend, model, _, _, terms = step_unlike_pairs()
    found = model.keypoint_detector(batch.driving)
    bent = model.keypoint_detector(bend.picture(batch.driving))
    ratio = found.affines.inverse() @ bend.jacobian(bent.points) @ bent.affines
    value, jacobian = found.points - bend(bent.points), torch.eye(2) - ratio
    assert_close(terms["equivariance_value"], value.abs().mean())
    assert_close(terms["equivariance_jacobian"], jacobian.abs().mean(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sign", ["corrected", "printed"])
def test_localization_worked_out_again(sign: Sign) -> None:
    batch, _, _, out, _, terms = step_unlike_pairs(sign)
    assert out.compensation is not None
    regions = region_attention(out.compensation.attention, Parsing(batch.driving_parsing))
    gain = regions.inside - regions.outside
    error = 1 - gain if sign == "corrected" else gain
    present = regions.present.unsqueeze(1)
    expected = (error * present).sum(-1) / present.sum(-1)
    assert_close(terms["localization"], expected.mean())


def test_each_term_counts_as_much_as_its_own_weight() -> None:
    _, _, _, _, total, terms = step_unlike_pairs()
    expected = (
        2 * terms["perceptual"]
        + 3 * terms["equivariance_value"]
        + 5 * terms["equivariance_jacobian"]
        + 7 * terms["localization"]
        + 11 * terms["pixel"]
        + 0.5 * 13 * terms["flow"]
    )
    assert_close(total, expected)


def test_attention_is_watched_but_costs_nothing(module: TrainingModule, batch: PairBatch) -> None:
    _, terms = module(*inputs(batch))
    watched = set(terms) - set(module.weights._asdict())
    assert watched == {"attention_inside", "attention_outside"}
    assert 0 <= terms["attention_inside"] <= 1


def test_every_weight_gets_a_gradient_and_no_frozen_one_does(
    module: TrainingModule, batch: PairBatch
) -> None:
    total, _ = module(*inputs(batch))
    total.backward()
    without = [n for n, p in module.model.named_parameters() if p.grad is None]
    assert without == []
    assert all(
        torch.isfinite(p.grad).all() for p in module.model.parameters() if p.grad is not None
    )


@pytest.mark.slow
def test_the_step_is_one_graph(module: TrainingModule, batch: PairBatch) -> None:
    torch._dynamo.reset()
    compiled = torch.compile(module.forward, backend="eager", fullgraph=True, dynamic=False)
    total, _ = compiled(*inputs(batch))
    again, _ = module(*inputs(batch))
    assert_close(total, again, rtol=1e-4, atol=1e-4)
    module.model.set_dynamic_temperature(3.0)
    with torch._dynamo.config.patch(error_on_recompile=True):
        compiled(*inputs(batch, flow_share=0.25))


def test_eyes_and_mouth_can_count_more_in_the_perceptual_loss(
    module: TrainingModule, batch: PairBatch
) -> None:
    batch.driving_parsing[:] = EXPRESSIVE_LABELS[0]
    _, plain = module(*inputs(batch))
    module.weights = module.weights._replace(perceptual_expressive=2.0)
    _, weighted = module(*inputs(batch))
    assert_close(weighted["perceptual"], 3 * plain["perceptual"])
    assert_close(weighted["pixel"], plain["pixel"])


def test_recording_a_step_leaves_weights_and_statistics_alone(
    module: TrainingModule, batch: PairBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warm_up(
        recorded: TrainingModule, arguments: tuple[torch.Tensor, ...], num_warmup_iters: int
    ) -> None:
        assert not torch.is_autocast_cache_enabled(), "a stale copy of a weight would be replayed"
        for _ in range(num_warmup_iters):
            recorded(*arguments)

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", warm_up)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    record(module, batch, random_bend(len(batch), torch.Generator().manual_seed(1)))
    assert torch.is_autocast_cache_enabled()
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.gpu
def test_a_recorded_step_learns_the_same(module: TrainingModule, batch: PairBatch) -> None:
    module = module.cuda()
    unrecorded = deepcopy(module)  # its gradients are born on another stream than the graph's
    arguments = tuple(tensor.cuda() for tensor in inputs(batch))
    bend = random_bend(len(batch), torch.Generator("cuda").manual_seed(1))
    record(module, batch.to("cuda"), bend)
    totals = [step(*arguments)[0] for step in (module, unrecorded)]
    for total in totals:
        total.backward()
    assert_close(totals[0], totals[1], rtol=1e-3, atol=1e-3)
    found, expected = (
        [p.grad for p in step.model.parameters() if p.grad is not None]
        for step in (module, unrecorded)
    )
    for mine, theirs in zip(found, expected, strict=True):
        assert_close(mine, theirs, rtol=1e-2, atol=1e-3)


@pytest.mark.slow
def test_eight_pairs_are_learned_by_heart(
    module: TrainingModule, stores: Stores, tiny: TrainConfig
) -> None:
    pairs = ClipPairs(stores[0]).draw(8, torch.Generator().manual_seed(0))
    optimizer = build_optimizer(tiny.optimizer, module.model)
    losses = []
    for _ in range(50):
        total, terms = module(*inputs(pairs))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(float(terms["perceptual"]))
    assert losses[-1] < 0.7 * losses[0]


def test_validation_leaves_the_first_frame_out(stores: Stores) -> None:
    batch = clip_reconstruction(stores[1], 0, frames=2)
    first = stores[1].frames[0].float() / 255
    assert_close(batch.source, first.expand(2, -1, -1, -1))
    assert not (batch.driving == batch.source).flatten(1).all(1).any()


def test_a_perfect_model_scores_best(stores: Stores, tiny: TrainConfig) -> None:
    class Perfect:
        def __call__(self, source: torch.Tensor, driving: torch.Tensor, **given: object) -> object:
            from types import SimpleNamespace

            return SimpleNamespace(frame=driving)

    perfect = validate(Perfect(), stores[1], 3)  # type: ignore[arg-type]
    still = repeat_source(stores[1], 3)
    assert perfect.psnr == pytest.approx(100.0)
    assert perfect.l1 == 0
    assert 5 < still.psnr < 60
    assert still.l1 > 0


def test_sheets_show_the_largest_turns(stores: Stores) -> None:
    pairs = turned_pairs(stores[0], count=1)
    turn = (pairs.driving_pose - pairs.source_pose)[:, :3].norm()
    assert turn == max(
        (stores[0].pose[s : s + n, :3] - stores[0].pose[s, :3]).norm(dim=1).max()
        for s, n in zip(stores[0].starts.tolist(), stores[0].lengths.tolist(), strict=True)
    )


def test_parts_of_a_batch_join_to_the_batch(batch: PairBatch) -> None:
    parts = split_batch(batch, 1)
    assert [len(part) for part in parts] == [1, 1]
    assert_close(torch.cat([part.driving for part in parts]), batch.driving)
