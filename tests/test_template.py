from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reenact import checkpoint
from reenact.animator import Animator
from reenact.errors import TemplateError
from reenact.records import Keypoints, Motion
from reenact.template import MotionTemplate, load_template, save_template
from reenact.video import VideoReader, VideoWriter
from stubs import StubModel, StubReader, picture_with_face
from video.clips import make_clip


def make_template(frames: int = 5, weights: str = "a" * 64) -> MotionTemplate:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(frames, 4, 2, generator=generator)
    affines = torch.randn(frames, 4, 2, 2, generator=generator)
    pose = torch.randn(frames, 6, generator=generator)
    return MotionTemplate(
        motion=Motion(Keypoints(points, affines), pose),
        timestamps=np.arange(frames, dtype=np.int64) * 3,
        tick=Fraction(1001, 90000),
        rate=Fraction(30000, 1001),
        weights=weights,
        note="recorded in a test",
    )


def test_a_template_comes_back_bit_by_bit(tmp_path: Path) -> None:
    before = make_template()
    save_template(tmp_path / "motion.safetensors", before)
    after = load_template(tmp_path / "motion.safetensors")
    assert torch.equal(after.motion.keypoints.points, before.motion.keypoints.points)
    assert torch.equal(after.motion.keypoints.affines, before.motion.keypoints.affines)
    assert torch.equal(after.motion.pose, before.motion.pose)
    assert np.array_equal(after.timestamps, before.timestamps)
    assert (after.tick, after.rate) == (before.tick, before.rate)
    assert (after.weights, after.note) == (before.weights, before.note)
    assert [path.name for path in tmp_path.iterdir()] == ["motion.safetensors"]


def test_batches_are_the_template_in_pieces() -> None:
    template = make_template(frames=5)
    pieces = list(template.batches(2, torch.device("cpu")))
    assert [len(piece.pose) for piece in pieces] == [2, 2, 1]
    assert torch.equal(torch.cat([piece.pose for piece in pieces]), template.motion.pose)


def test_a_template_drives_like_the_clip_it_was_recorded_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "weights_hash", lambda model: "b" * 64)
    machine = Animator(StubModel(), StubReader())
    source = machine.encode_source(picture_with_face())
    ticks = [0, 40, 90, 100, 300, 310]
    clip = make_clip(tmp_path / "clip.mp4", 6, ticks=ticks, time_base=Fraction(1, 1000))
    with VideoReader(clip) as frames:
        direct = list(machine.animate(source, frames, crop=False))
        recorded = machine.record(frames, frames.times(), frames.info)
    save_template(tmp_path / "motion.safetensors", recorded)
    template = load_template(tmp_path / "motion.safetensors")
    through = list(machine.animate(source, template))
    assert all(np.array_equal(a, b) for a, b in zip(direct, through, strict=True))
    assert [template.time(index) for index in range(6)] == [Fraction(t, 1000) for t in ticks]

    with VideoWriter(tmp_path / "out.mp4", like=template) as sink:
        for frame in through:
            sink.write(frame)
    with VideoReader(tmp_path / "out.mp4") as frames:
        times = frames.times()
        shown = [time for _, time in zip(frames, times, strict=True)]
    assert shown == [Fraction(tick, 1000) for tick in ticks]


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "weights_hash", lambda model: "b" * 64)
    machine = Animator(StubModel(), StubReader())
    source = machine.encode_source(picture_with_face())
    with pytest.raises(TemplateError, match=r"weights aaaaaaaaaaaa, expected bbbbbbbbbbbb.*Record"):
        machine.animate(source, make_template())


def change(name: str, value: Any) -> Any:
    def apply(tensors: dict[str, Any], metadata: dict[str, str]) -> None:
        store = tensors if name in tensors else metadata
        if value is None:
            del store[name]
        else:
            store[name] = value

    return apply


@pytest.mark.parametrize(
    "edit",
    [
        change("points", None),
        change("points", torch.zeros(4, 4, 2)),
        change("points", torch.zeros(5, 4, 2, dtype=torch.float16)),
        change("points", torch.full((5, 4, 2), torch.nan)),
        change("points", torch.zeros(())),
        change("affines", torch.zeros(5, 3, 2, 2)),
        change("pose", torch.full((5, 6), torch.inf)),
        change("pose", torch.zeros(5)),
        change("timestamps", torch.zeros(5, dtype=torch.int64)),
        change("timestamps", torch.arange(5.0)),
        change("format", "something else"),
        change("format", None),
        change("rate", "0"),
        change("rate", "1/0"),
        change("tick", "-1/25"),
        change("tick", "x"),
        change("weights", None),
    ],
)
def test_a_damaged_or_hostile_template_is_refused(tmp_path: Path, edit: Any) -> None:
    path = tmp_path / "motion.safetensors"
    save_template(path, make_template())
    tensors = load_file(path)
    metadata = {
        "format": "reenact-motion/1",
        "rate": "25",
        "tick": "1/25",
        "weights": "a" * 64,
        "note": "",
    }
    edit(tensors, metadata)
    save_file(tensors, path, metadata)
    with pytest.raises(TemplateError, match=r"found.*expected.*Record") as caught:
        load_template(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04pickle", b"\xff" * 64])
def test_what_is_no_template_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "motion.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TemplateError, match="expected a motion template"):
        load_template(path)
