from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact import animator, checkpoint
from reenact.animator import Animator
from reenact.cli.animate import animate, check_target, pair_inputs
from reenact.cli.template import template
from reenact.errors import MediaError, ReenactError
from reenact.video import GENERATED, VideoReader, load_image, probe, save_image
from stubs import StubModel, StubReader, picture_with_face
from video.clips import make_clip, sound_packets

app = typer.Typer()
app.command()(animate)
app.command()(template)


@pytest.fixture(autouse=True)
def stub_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, device: object, batch_size: int | None = None) -> Animator:
        return Animator(StubModel(), StubReader(), name=name, batch_size=batch_size or 4)

    monkeypatch.setattr(animator, "load", load)
    monkeypatch.setattr(checkpoint, "weights_hash", lambda model: "c" * 64)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    save_image(tmp_path / "photo.png", picture_with_face())
    return tmp_path / "photo.png"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "talk.mp4", 12, rate=Fraction(30000, 1001), sound=0.4)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def good(result: Result) -> Result:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result


def test_a_photo_and_a_video_become_a_video(photo: Path, talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    result = good(run("animate", photo, talk, "-o", out, "--no-crop"))
    assert result.stdout.strip() == str(out)
    info, driving = probe(out), probe(talk)
    assert (info.frames, info.rate) == (driving.frames, driving.rate)
    assert sound_packets(out) == sound_packets(talk)
    with av.open(str(out)) as container:
        assert container.metadata["comment"].startswith(GENERATED)


@pytest.mark.parametrize(
    "spelling",
    [
        ("-s", "{photo}", "-d", "{talk}", "-o", "{out}"),
        ("--source", "{photo}", "--driving", "{talk}", "--output", "{out}"),
        ("--source_image", "{photo}", "--driving_video", "{talk}", "--result_video", "{out}"),
        ("{photo}", "-d", "{talk}", "-o", "{out}", "--relative", "--adapt_scale"),
        ("-s", "{photo}", "{talk}", "-o", "{out}"),
    ],
)
def test_the_spellings_of_the_field_are_understood(
    photo: Path, talk: Path, tmp_path: Path, spelling: tuple[str, ...]
) -> None:
    out = tmp_path / "out.mp4"
    words = [word.format(photo=photo, talk=talk, out=out) for word in spelling]
    good(run("animate", *words, "--no-crop", "-q"))
    assert out.exists()


def face_clip(path: Path) -> Path:
    """A lossless clip in which the stub reader sees a face that moves."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        for index in range(6):
            picture = picture_with_face((40 + 4 * index, 40, 80 + 4 * index, 90))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    return path


def test_faces_are_cropped_and_the_photo_is_kept(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    talk = face_clip(tmp_path / "talk.mkv")
    good(run("animate", photo, talk, "-o", out, "--find_best_frame", "--quality", 0))
    with VideoReader(out) as frames:
        made = list(frames)
    assert len(made) == 6
    still = load_image(photo)
    assert made[0].shape == still.shape
    corner = slice(0, 8)
    assert np.abs(made[3][corner, corner].astype(int) - still[corner, corner]).max() <= 2


def test_the_bare_square_can_be_had(photo: Path, talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    good(run("animate", photo, talk, "-o", out, "--no-crop", "--no-paste-back", "--no-audio"))
    info = probe(out)
    assert (info.width, info.height, info.has_audio) == (256, 256, False)


def test_a_template_drives_as_well(photo: Path, talk: Path, tmp_path: Path) -> None:
    motion, out = tmp_path / "talk.safetensors", tmp_path / "out.mp4"
    result = good(run("template", talk, "-o", motion, "--no-crop", "--note", "made here"))
    assert result.stdout.strip() == str(motion)
    good(run("animate", photo, motion, "-o", out))
    assert (probe(out).frames, probe(out).rate) == (12, Fraction(30000, 1001))


def error_of(result: Result) -> str:
    assert isinstance(result.exception, ReenactError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_nothing_is_written_over_without_being_told(
    photo: Path, talk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"precious")
    command: tuple[Any, ...] = ("animate", photo, talk, "-o", out, "--no-crop")
    assert "--overwrite" in error_of(run(*command))
    assert out.read_bytes() == b"precious"
    good(run(*command, "--overwrite"))
    assert probe(out).frames == 12


def test_an_input_is_never_written_over(photo: Path, talk: Path) -> None:
    assert "an input" in error_of(run("animate", photo, talk, "-o", talk, "--overwrite"))
    assert probe(talk).frames == 12


def test_an_empty_file_is_no_loss(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").touch()
    check_target(tmp_path / "out.mp4", [], overwrite=False)
    with pytest.raises(MediaError, match="a folder"):
        check_target(tmp_path, [], overwrite=True)


@pytest.mark.parametrize("crop", ["--crop", "--no-crop"])
def test_bad_inputs_end_in_one_line_and_no_file(
    photo: Path, talk: Path, tmp_path: Path, crop: str
) -> None:
    out, text = tmp_path / "out.mp4", tmp_path / "text.mp4"
    text.write_text("no video")
    for source, driving in ((photo, text), (text, talk), (tmp_path, talk), (photo, "gone.mp4")):
        error_of(run("animate", source, driving, "-o", out, crop))
    if crop == "--crop":
        assert "no face" in error_of(run("animate", photo, talk, "-o", out))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "photo.png",
        "talk.mp4",
        "text.mp4",
    ]


def test_a_crash_in_the_middle_leaves_no_file(
    photo: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fails(self: StubModel, *arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise RuntimeError("out of memory")
        return original(self, *arguments)

    original = StubModel.render
    monkeypatch.setattr(StubModel, "render", fails)
    result = run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--no-crop", "--batch-size", 2)
    assert isinstance(result.exception, RuntimeError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png", "talk.mp4"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a.png",),
        ("a.png", "b.mp4", "-s", "c.png"),
        ("a.png", "b.mp4", "--relative", "--motion", "absolute"),
        ("a.png", "b.mp4", "--find-best-frame", "--no-crop"),
        ("a.png", "b.mp4", "--quality", "77"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    assert run("animate", *arguments).exit_code == 2


def test_inputs_by_name_leave_their_place_to_the_others() -> None:
    a, b = Path("a"), Path("b")
    assert pair_inputs((a, b), None, None) == (a, b)
    assert pair_inputs((b, None), a, None) == (a, b)
    assert pair_inputs((a, None), None, b) == (a, b)
