"""The readers that are ours to the last byte: any bytes come to a result or a ReenactError."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from awkward.motions import metadata, tensors
from reenact.advice.onlooker import find_cuts
from reenact.checkpoint import read_info
from reenact.data.sidecar import read_sidecar
from reenact.errors import CheckpointError, DataError, MediaError, TemplateError
from reenact.template import load_template
from reenact.video.comments import picture_comments
from reenact.video.fragments import whole_fragments
from reenact.video.image import load_image
from reenact.video.picture_size import declared_size
from reenact.video.webp import UNSAID, frame_durations

bounded = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NUMBERS = st.integers(0, 2**32 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def boxes() -> st.SearchStrategy[bytes]:
    """Boxes of MP4 whose sizes are right or not."""
    kinds = st.sampled_from([b"moof", b"mdat", b"moov", b"free", b"\0\0\0\0"])
    honest = st.builds(
        lambda kind, body: struct.pack(">I4s", len(body) + 8, kind) + body,
        kinds,
        st.binary(max_size=20),
    )
    lying = st.builds(lambda size, kind: struct.pack(">I4s", size, kind), NUMBERS, kinds)
    return st.lists(honest | lying, max_size=6).map(b"".join)


@bounded
@given(boxes() | st.binary(max_size=60))
@example(struct.pack(">I4sQ", 1, b"mdat", 0))
@example(struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1))
@example(struct.pack(">I4s", 1, b"mdat"))
def test_fragments_end_within_the_file(tmp_path: Path, data: bytes) -> None:
    count, end = whole_fragments(put(tmp_path, "part.mp4", data))
    assert 0 <= end <= len(data)
    assert (count == 0) == (end == 0)


@bounded
@given(st.binary(max_size=80))
@example(b"\x89PNG\r\n\x1a\n" + bytes(16))
@example(b"\xff\xd8" + b"\xff" * 40)
@example(b"\xff\xd8\xff\xc0")
@example(b"\xff\xd8\xff\xe0\x00\x00" + b"\xff\xe0\x00\x00" * 9)
def test_a_size_is_found_or_none(data: bytes) -> None:
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8"):
        width, height = declared_size(head + data)
        assert 0 <= width < 2**32
        assert 0 <= height < 2**32


@bounded
@given(st.binary(max_size=80), st.integers(0, 255))
def test_durations_of_an_animation_are_some_time(data: bytes, flags: int) -> None:
    webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes([flags]) + data
    assert all(0 < shown < 2**24 for shown in frame_durations(webp))


@bounded
@given(st.lists(st.integers(0, 2**24 - 1), max_size=5))
def test_durations_are_those_of_the_file(shown: list[int]) -> None:
    head = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02" + bytes(9)
    frames = [b"ANMF\x10\0\0\0" + bytes(12) + each.to_bytes(4, "little") for each in shown]
    expected = [each if each > 10 else UNSAID for each in shown]
    assert frame_durations(head + b"".join(frames)) == expected


@bounded
@given(st.binary(max_size=80))
def test_comments_of_a_picture_are_texts(data: bytes) -> None:
    for head in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8"):
        assert all(isinstance(text, str) for text in picture_comments(head + data))


@bounded
@given(st.binary(max_size=200))
@example(b"")
def test_bytes_that_are_no_picture_are_refused(tmp_path: Path, data: bytes) -> None:
    try:
        image = load_image(put(tmp_path, "picture", data))
    except MediaError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3


@bounded
@given(st.lists(st.floats(0, 255, width=32), max_size=30))
def test_cuts_lie_within_the_clip(changes: list[float]) -> None:
    cuts = find_cuts(np.array(changes, dtype=np.float32))
    assert cuts == sorted(set(cuts))
    assert all(0 < cut <= len(changes) for cut in cuts)


def with_header(header: Any, rest: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


@bounded
@given(JSON, st.sampled_from(["format", "rate", "tick", "weights", "note"]), st.text(max_size=12))
def test_any_header_of_a_template_is_refused_or_right(
    tmp_path: Path, header: Any, key: str, value: str
) -> None:
    described = {
        name: {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [0, 0]}
        for name, tensor in tensors().items()
    }
    for content in (header, {**described, "__metadata__": metadata() | {key: value}}):
        with pytest.raises(TemplateError):
            load_template(put(tmp_path, "talk.safetensors", with_header(content)))


@bounded
@given(JSON)
def test_any_config_of_a_model_is_refused_or_right(tmp_path: Path, config: Any) -> None:
    facts = {"format": "reenact-facelet/1", "config": json.dumps(config)}
    path = put(tmp_path, "model.safetensors", with_header({"__metadata__": facts}))
    with suppress(CheckpointError):
        read_info(path)


@bounded
@given(
    st.dictionaries(
        st.sampled_from(["landmarks", "pose", "valid", "detected", "fps", "parsing"]),
        st.sampled_from([0, "text", [], [1.5], [[1, 2]], np.zeros((2, 3, 3)), np.zeros((0, 1, 3))]),
    )
)
def test_any_arrays_of_a_sidecar_are_refused_or_right(
    tmp_path: Path, arrays: dict[str, Any]
) -> None:
    path = tmp_path / "clip.npz"
    np.savez(path, **{name: np.asarray(value) for name, value in arrays.items()})
    try:
        sidecar = read_sidecar(path)
    except DataError:
        return
    assert sidecar.landmarks.shape[0] == len(sidecar) == len(sidecar.valid)


@pytest.mark.parametrize("data", [b"", b"PK", b"\x93NUMPY\x01\x00", b"\x80\x04N.", b"text"])
def test_files_that_are_no_archive_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError):
        read_sidecar(put(tmp_path, "clip.npz", data))


def test_a_single_array_is_no_sidecar(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", np.zeros(3))
    with pytest.raises(DataError):
        read_sidecar((tmp_path / "clip.npy").rename(tmp_path / "clip.npz"))
