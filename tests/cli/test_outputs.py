"""What `animate` can make of its frames: formats, alpha, comparisons, sizes, signatures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact.cli import signing
from reenact.cli.animate import animate
from reenact.cli.targets import OutputFormat, check_target, name_targets
from reenact.errors import MediaError, ProvenanceError
from reenact.provenance import Signature, library
from reenact.provenance import verify as verify_file
from reenact.records import Image
from reenact.video import VideoReader, load_opacity, probe, read_mark, save_image
from stubs import StubModel, face_clip, picture_with_face

app = typer.Typer()
app.command()(animate)

pytestmark = pytest.mark.usefixtures("stub_networks")


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return face_clip(tmp_path / "talk.mkv")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in (*arguments, "-q")])


def good(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result


def pictures(path: Path) -> list[Image]:
    with VideoReader(path) as frames:
        return list(frames)


@pytest.mark.parametrize("name", ["out.gif", "out.webm", "out.mov", "out.avi"])
def test_the_suffix_chooses_the_format_and_all_say_who_made_them(
    photo: Path, talk: Path, tmp_path: Path, name: str
) -> None:
    good(photo, talk, "-o", tmp_path / name)
    assert probe(tmp_path / name).frames == 6
    mark = read_mark(tmp_path / name)
    assert mark is not None
    assert (mark.model, mark.weights) == ("reenact-s", "c" * 64)


def test_pictures_go_into_a_folder_and_are_not_made_twice(
    photo: Path, talk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "frames"
    for where in (("-o", out / "%03d.png"), ("-o", out / "more", "--format", "png")):
        good(photo, talk, *where)
    assert len(list(out.glob("*.png"))) == len(list((out / "more").glob("*.png"))) == 6
    assert isinstance(run(photo, talk, "-o", out / "%03d.png").exception, MediaError)
    before = (out / "001.png").stat().st_mtime_ns
    good(photo, talk, "-o", out / "%03d.png", "--resume")
    assert (out / "001.png").stat().st_mtime_ns == before
    good(photo, talk, "-o", out / "%03d.png", "--overwrite")
    assert (out / "001.png").stat().st_mtime_ns > before


def test_the_codec_and_the_format_can_be_chosen(
    photo: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good(photo, talk, "--format", "mkv", "--codec", "hevc")
    assert probe(tmp_path / "photo-talk.mkv").codec == "hevc"
    bad = run(photo, talk, "-o", "a.webm", "--codec", "h264")
    assert isinstance(bad.exception, MediaError)
    assert not (tmp_path / "a.webm").exists()


def test_alpha_is_that_of_the_photograph(talk: Path, tmp_path: Path) -> None:
    alpha = np.full((120, 160, 1), 255, dtype=np.uint8)
    alpha[:, :20] = 0
    rgba = np.concatenate([picture_with_face(), alpha], axis=2)
    cv2.imwrite(str(tmp_path / "clear.png"), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    good(tmp_path / "clear.png", talk, "-o", tmp_path / "f/%d.png", "--alpha")
    kept = load_opacity(tmp_path / "f/3.png")
    assert kept is not None
    assert kept[:, :18].max() == 0
    assert kept[:, 22:].min() == 255
    opaque = run(tmp_path / "clear.png", talk, "-o", tmp_path / "a.mp4", "--alpha")
    assert isinstance(opaque.exception, MediaError)


def test_a_comparison_shows_three_pictures(photo: Path, talk: Path, tmp_path: Path) -> None:
    still = ("--quality", 0, "--compare")
    good(photo, talk, "-o", tmp_path / "a.mp4", *still)
    page = pictures(tmp_path / "a.mp4")[5]
    assert page.shape == (120, 3 * 160 + 8, 3)
    driving = pictures(talk)[5]
    assert np.abs(page[:, 164:324].astype(int) - driving).mean() < 3
    good(photo, talk, "-o", tmp_path / "b.mp4", *still, "--no-paste-back")
    assert pictures(tmp_path / "b.mp4")[0].shape == (256, 3 * 256 + 8, 3)


@pytest.mark.parametrize(
    ("size", "shape"), [("60", (60, 80)), ("64x64", (48, 64)), ("200%", (240, 320))]
)
def test_the_output_has_the_size_that_is_asked_for(
    photo: Path, talk: Path, tmp_path: Path, size: str, shape: tuple[int, int]
) -> None:
    good(photo, talk, "-o", tmp_path / "a.mp4", "--size", size)
    assert pictures(tmp_path / "a.mp4")[0].shape[:2] == shape


@pytest.mark.parametrize(
    "options",
    [
        ("--size", "large"),
        ("--compare", "--alpha"),
        ("--certificate", "c.pem"),
        ("--private-key", "k.pem"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: tuple[str, ...]) -> None:
    assert run("a.png", "b.mp4", *options).exit_code == 2
    assert run("a.png", "b.safetensors", "--compare").exit_code == 2


@pytest.mark.skipif(not library.is_installed(), reason="needs the extra 'provenance'")
def test_outputs_are_signed_on_request(
    photo: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "config_folder", lambda: tmp_path / "config")
    for name in ("a.mp4", "b.gif", "f/%d.png"):
        good(photo, talk, "-o", tmp_path / name, "--sign")
        path = tmp_path / name.replace("%d", "2")
        finding = verify_file(path)
        assert finding.signature is Signature.VALID
        assert finding.mark == read_mark(path)
    refused = run(photo, talk, "-o", tmp_path / "a.mkv", "--sign")
    assert isinstance(refused.exception, ProvenanceError)


def test_names_follow_the_format(tmp_path: Path) -> None:
    one, two, talk = Path("a.jpg"), Path("b.jpg"), Path("talk.mp4")
    png, gif = OutputFormat.PNG, OutputFormat.GIF
    single = partial(name_targets, [one], talk, several=False)
    assert single(None, gif) == [Path("a-talk.gif")]
    assert single(None, png) == [Path("a-talk/%05d.png")]
    assert single(tmp_path, png) == [tmp_path / "a-talk/%05d.png"]
    assert single(tmp_path / "new", png) == [tmp_path / "new/%05d.png"]
    assert single(Path("x.mov"), gif) == [Path("x.mov")]
    dotted = tmp_path / "results.v2"
    dotted.mkdir()
    assert single(dotted, gif) == [dotted / "a-talk.gif"]
    assert name_targets([one, two], talk, Path("f"), png, several=True) == [
        Path("f/a-talk/%05d.png"),
        Path("f/b-talk/%05d.png"),
    ]


def test_the_pictures_of_the_driving_are_never_written_over(tmp_path: Path) -> None:
    save_image(tmp_path / "00001.png", picture_with_face())
    for driving in (tmp_path, tmp_path / "*.png", tmp_path / "00001.png"):
        with pytest.raises(MediaError, match="an input"):
            check_target(tmp_path / "%05d.png", [driving], overwrite=True)
    for driving in (tmp_path, tmp_path / "*.png"):
        with pytest.raises(MediaError, match="an input"):
            check_target(tmp_path / "beside%d.png", [driving], overwrite=True)


def test_a_long_comparison_keeps_no_frame(photo: Path, talk: Path, tmp_path: Path) -> None:
    """Resumed behind some frames, source, driving and result are still in step."""
    whole, out = tmp_path / "w.mp4", tmp_path / "o.mp4"
    options: tuple[Any, ...] = ("--compare", "--quality", 0, "--batch-size", 1)
    good(photo, talk, "-o", whole, *options)
    original, calls = StubModel.render, 0

    def render(self: StubModel, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise RuntimeError
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StubModel, "render", render)
        run(photo, talk, "-o", out, *options)
    good(photo, talk, "-o", out, *options, "--resume")
    for here, there in zip(pictures(out), pictures(whole), strict=True):
        assert np.array_equal(here, there)
