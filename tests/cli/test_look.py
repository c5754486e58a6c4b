from __future__ import annotations

from pathlib import Path

import av
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact.cli.look import look
from reenact.cli.targets import motion_name
from reenact.cli.template import template
from reenact.errors import ReenactError, TemplateError
from reenact.look.sheet import WIDTH
from reenact.template import load_template
from reenact.video import GENERATED, load_image, probe, read_mark, save_image
from stubs import face_clip, picture_with_face

app = typer.Typer()
app.command()(look)
app.command()(template)

pytestmark = pytest.mark.usefixtures("stub_networks")


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


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_picture_says_who_made_it(photo: Path, tmp_path: Path, suffix: str) -> None:
    good(run("look", photo, "-o", tmp_path / f"why{suffix}"))
    mark = read_mark(tmp_path / f"why{suffix}")
    assert mark is not None
    assert (mark.model, mark.weights) == ("reenact-s", "c" * 64)


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


def test_a_folder_or_pattern_of_pictures_drives_as_well(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "shots").mkdir()
    for number in (2, 10):
        picture = picture_with_face((30 + number, 40, 70 + number, 90))
        save_image(tmp_path / f"shots/{number}.png", picture)
    for driving, name in ((tmp_path / "shots", "shots"), (tmp_path / "shots/*.png", "pattern")):
        good(run("look", photo, driving, "-o", tmp_path / f"{name}.png"))
        assert probe(tmp_path / f"{name}.mp4").frames == 2
        good(run("template", driving, "-o", tmp_path / f"{name}.safetensors"))
        assert len(load_template(tmp_path / f"{name}.safetensors")) == 2


@pytest.mark.parametrize("driving", ["shots", "shots/*.png", "shots/.", "shots.mp4"])
def test_a_template_is_called_like_what_it_was_read_from(tmp_path: Path, driving: str) -> None:
    assert motion_name(tmp_path / driving) == "shots"


def test_a_template_is_not_made_of_a_template(talk: Path, tmp_path: Path) -> None:
    motion = tmp_path / "talk.safetensors"
    good(run("template", talk, "-o", motion))
    result = run("template", motion, "-o", tmp_path / "again.safetensors")
    assert isinstance(result.exception, TemplateError)
    assert "found a motion template, expected a face video" in str(result.exception)


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
