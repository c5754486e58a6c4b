from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import Adam

from reenact.errors import TrainingError
from reenact.training.average import MovingAverage
from reenact.training.guard import GradientGuard


def guarded(limit: float | None = None) -> tuple[nn.Linear, Adam, GradientGuard]:
    layer = nn.Linear(3, 2)
    optimizer = Adam(layer.parameters(), lr=0.1, fused=True)
    return layer, optimizer, GradientGuard(optimizer, [layer.parameters()], limit)


def give_gradient(layer: nn.Linear, value: float) -> None:
    for parameter in layer.parameters():
        parameter.grad = torch.full_like(parameter, value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_bad_gradients_change_neither_weights_nor_moments(bad: float) -> None:
    layer, optimizer, guard = guarded(limit=1.0)
    give_gradient(layer, 1.0)
    guard.before_step()
    optimizer.step()
    before = layer.weight.detach().clone()
    moment = optimizer.state[layer.weight]["exp_avg"].clone()
    give_gradient(layer, bad)
    guard.before_step()
    optimizer.step()
    assert torch.equal(layer.weight, before)
    assert torch.equal(optimizer.state[layer.weight]["exp_avg"], moment)
    assert optimizer.state[layer.weight]["step"] == 1
    assert guard.check(steps=2) == 1


def test_a_good_step_after_a_bad_one_counts() -> None:
    layer, optimizer, guard = guarded()
    before = layer.weight.detach().clone()
    for value in (float("nan"), 1.0):
        give_gradient(layer, value)
        guard.before_step()
        optimizer.step()
    assert not torch.equal(layer.weight, before)


def test_nothing_but_bad_gradients_ends_the_run() -> None:
    layer, _, guard = guarded()
    give_gradient(layer, float("nan"))
    guard.before_step()
    with pytest.raises(TrainingError, match="not finite in any of the last 1 steps"):
        guard.check(steps=1)


def test_large_gradients_are_clipped_and_their_norm_told() -> None:
    layer, _, guard = guarded(limit=10.0)
    give_gradient(layer, 30.0)
    norm = guard.before_step()
    assert norm == pytest.approx(30 * 8**0.5)
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().max() == pytest.approx(10.0)


def test_the_average_follows_slowly_and_copies_buffers() -> None:
    model = nn.BatchNorm1d(2)
    average = MovingAverage(model, decay=0.9)
    with torch.no_grad():
        model.weight.fill_(2.0)
        model.running_mean.fill_(5.0)  # type: ignore[union-attr]
    average.update(step=1000)
    assert average.model.weight.tolist() == pytest.approx([1.1, 1.1])
    assert average.model.running_mean.tolist() == [5.0, 5.0]  # type: ignore[union-attr]
    assert not average.model.weight.requires_grad


def test_early_averages_reach_back_less_far() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = MovingAverage(model, decay=0.999)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(step=1)
    assert float(average.model.weight) == pytest.approx(9 / 11)


def test_statistics_spoilt_by_a_bad_step_go_back_to_the_last_good_ones() -> None:
    norm = nn.BatchNorm1d(2)
    optimizer = Adam(norm.parameters(), fused=True)
    guard = GradientGuard(optimizer, [], None, statistics=norm.buffers())
    norm(torch.randn(4, 2)).sum().backward()
    guard.before_step()
    guard.check(steps=2)
    assert norm.running_mean is not None
    good = norm.running_mean.clone()
    norm(torch.full((4, 2), torch.nan)).sum().backward()
    guard.before_step()
    assert guard.check(steps=2) == 1
    assert torch.equal(norm.running_mean, good)
