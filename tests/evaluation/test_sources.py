from __future__ import annotations

from pathlib import Path

import pytest
import torch

from footage import write_footage
from reenact.data.clips import find_clips
from reenact.data.decode import decode_clip
from reenact.data.readings import Readers
from reenact.data.store import load_stills
from reenact.errors import DataError, FaceNotFoundError
from reenact.evaluation.sources import find_portraits, open_sources
from stubs import StubReader


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_footage(tmp_path_factory.mktemp("data"), {"ann": (3,), "bob": (2,)})


def _no_readers() -> Readers:
    raise AssertionError("side-cars are complete: nothing is to be read")


def test_clips_give_their_first_frame(root: Path) -> None:
    clips = find_clips(root)
    for source, clip in zip(open_sources(clips, 64, StubReader()), clips, strict=True):  # type: ignore[arg-type]
        assert source.shape == (1, 3, 64, 64)
        torch.testing.assert_close(source, decode_clip(clip.path, 64)[:1].float() / 255)


def test_stills_are_cut_to_the_square_of_their_face(root: Path) -> None:
    """As training cuts them."""
    stills = find_portraits(root)
    sources = torch.cat(list(open_sources(stills, 64, StubReader())))  # type: ignore[arg-type]
    trained_on = load_stills(stills, 64, torch.device("cpu"), _no_readers)
    torch.testing.assert_close(sources, trained_on.images.float() / 255)


def test_a_still_without_a_side_car_is_searched_for_a_face(root: Path) -> None:
    (ann, _) = find_portraits(root)
    ann.sidecar.unlink()
    with pytest.raises(FaceNotFoundError, match=r"ann-still\.jpg: no face found"):
        list(open_sources([ann], 64, StubReader()))  # type: ignore[arg-type]


def test_a_folder_without_stills_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no stills there"):
        find_portraits(tmp_path)
