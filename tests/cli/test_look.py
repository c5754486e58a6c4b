from __future__ import annotations

from pathlib import Path

import av
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact import animator, checkpoint
from reenact.animator import Animator
from reenact.cli.look import look
from reenact.cli.template import template
from reenact.errors import ReenactError
from reenact.look.sheet import WIDTH
from reenact.video import GENERATED, load_image, probe, save_image
from stubs import StubModel, StubReader, face_clip, picture_with_face

app = typer.Typer()
app.command()(look)
app.command()(template)


@pytest.fixture(autouse=True)
def stub_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, device: object) -> Animator:
        return Animator(StubModel(), StubReader(), name=name, batch_size=4)

    monkeypatch.setattr(animator, "load", load)
    monkeypatch.setattr(checkpoint, "weights_hash", lambda model: "c" * 64)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    save_image(tmp_path / "photo.png", picture_with_face())
    return tmp_path / "photo.png"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return face_clip(tmp_path / "talk.mkv")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def good(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout.split()


def test_a_photo_alone_makes_a_picture(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    assert good(run("look", photo, "-o", out)) == [str(out)]
    assert load_image(out).shape[1] == WIDTH
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png", "why.png"]


def test_a_driving_video_makes_a_picture_and_a_video(
    photo: Path, talk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "why.png"
    made = good(run("look", photo, talk, "-o", out, "--frame", 4, "--frames", 3, "-q"))
    assert made == [str(out), str(out.with_suffix(".mp4"))]
    info = probe(out.with_suffix(".mp4"))
    assert (info.frames, info.rate, info.width) == (3, probe(talk).rate, WIDTH)
    assert load_image(out).shape[:2] == (info.height, info.width)
    with av.open(str(out.with_suffix(".mp4"))) as container:
        assert container.metadata["comment"].startswith(GENERATED)


def test_a_template_drives_as_well(photo: Path, talk: Path, tmp_path: Path) -> None:
    motion = tmp_path / "talk.safetensors"
    good(run("template", talk, "-o", motion))
    good(run("look", photo, motion, "-o", tmp_path / "why.png", "--frames", 2))
    assert probe(tmp_path / "why.mp4").frames == 2


def test_bad_input_is_an_error_in_one_line_and_leaves_nothing(
    photo: Path, talk: Path, tmp_path: Path
) -> None:
    text, out = tmp_path / "text.mp4", tmp_path / "why.png"
    text.write_text("no video")
    before = sorted(tmp_path.iterdir())
    for arguments, said in (
        ((photo, text), "text.mp4"),
        ((text,), "text.mp4"),
        ((tmp_path,), "a folder"),
        ((photo, talk, "--frame", 99), "found 6 frames"),
        ((photo, talk, "-o", tmp_path / "why.mp4"), "no picture format"),
        ((photo, talk, "-o", photo, "-y"), "an input"),
        ((photo, "-o", tmp_path / "no" / "why.png"), "cannot be written"),
    ):
        result = run("look", *arguments[:1], "-o", out, *arguments[1:])
        assert isinstance(result.exception, ReenactError), (arguments, result.output)
        assert said in str(result.exception)
        assert "\n" not in str(result.exception)
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_written_over_without_being_told(
    photo: Path, talk: Path, tmp_path: Path
) -> None:
    (tmp_path / "why.mp4").write_bytes(b"precious")
    result = run("look", photo, talk, "-o", tmp_path / "why.png")
    assert "--overwrite" in str(result.exception)
    assert (tmp_path / "why.mp4").read_bytes() == b"precious"
