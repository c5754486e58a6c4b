from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from reenact.animator import Animator
from reenact.bench import drifting, measure, peak_memory
from reenact.records import Face, Image
from stubs import StubModel, StubReader, picture_with_face


class SteadyReader(StubReader):
    """Sees the face of the first picture in all others, which video coding has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.faces: list[Face] = []

    def read(self, image: Image) -> list[Face]:
        self.faces = self.faces or super().read(image)
        return self.faces


def test_a_benchmark_agrees_with_itself() -> None:
    animator = Animator(StubModel(), SteadyReader(), name="stub", batch_size=4)
    result = measure(animator, picture_with_face(), frames=6, runs=2)
    assert (result.model, result.device, result.precision) == ("stub", "cpu", "float32")
    assert (result.frames, result.runs, result.batch_size) == (6, 2, 4)
    assert result.network_fps == pytest.approx(1000 / result.network_ms)
    assert 0 < result.network_ms <= result.network_ms_p90
    assert 0 < result.end_to_end_fps < result.running_fps
    assert result.video_frames == 8
    assert result.framing_ms > 0
    assert result.source_ms > 0
    assert result.peak_memory_mb > 10


def test_the_network_is_timed_one_frame_at_a_time() -> None:
    model = StubModel()
    measure(Animator(model, SteadyReader(), batch_size=4), picture_with_face(), frames=6, runs=1)
    videos = [4, 4]
    assert model.batches == [1] * (len(model.batches) - 2) + videos


def test_videos_are_made_in_the_thread_of_the_caller() -> None:
    model = StubModel()
    measure(Animator(model, SteadyReader(), batch_size=4), picture_with_face(), frames=2, runs=1)
    assert model.threads == {threading.get_ident()}


def test_the_picture_drifts_and_comes_back() -> None:
    photo = picture_with_face(height=121, width=161)
    frames = list(drifting(photo, 8))
    assert {frame.shape for frame in frames} == {(120, 160, 3)}
    np.testing.assert_array_equal(frames[0], photo[:120, :160])
    assert all((frame != frames[0]).any() for frame in frames[1:])


def test_memory_says_what_it_counts() -> None:
    size, what = peak_memory(torch.device("cpu"))
    assert np.isnan(size) or size > 1e7
    assert what
