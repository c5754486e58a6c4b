from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact.animator import Animator
from reenact.cli.advice import Adviser
from reenact.cli.animate import animate
from reenact.cli.doctor import doctor
from reenact.cli.rendering import Settings
from reenact.errors import FaceNotFoundError
from reenact.video import VideoReader, save_image
from stubs import StubModel, StubReader, picture_with_face

app = typer.Typer()
app.command()(animate)
app.command()(doctor)

pytestmark = pytest.mark.usefixtures("stub_networks")

CUT = "the picture jumps once, at 0.2 s"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph that is good enough."""
    picture = picture_with_face((150, 120, 270, 270), height=360, width=480)
    save_image(tmp_path / "photo.png", picture)
    return tmp_path / "photo.png"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A lossless clip of two shots."""
    with av.open(str(tmp_path / "talk.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "bgr0"
        for index in range(10):
            shade = 60 if index < 5 else 200
            box = (150 + index, 120, 270 + index, 270)
            picture = picture_with_face(box, shade, height=360, width=480)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    return tmp_path / "talk.mkv"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def good(result: Result) -> Result:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result


def test_advice_comes_on_stderr_before_the_result(photo: Path, talk: Path, tmp_path: Path) -> None:
    result = good(run("animate", photo, talk, "-o", tmp_path / "out.mp4"))
    lines = [line for line in result.stderr.splitlines() if line.startswith("advice: ")]
    assert [line.startswith(f"advice: driving: {CUT}") for line in lines] == [True]
    assert result.stdout.split() == [str(tmp_path / "out.mp4")]


@pytest.mark.parametrize("silent", ["--quiet", "--no-advice", "--no-crop"])
def test_who_wants_none_gets_none(photo: Path, talk: Path, tmp_path: Path, silent: str) -> None:
    result = good(run("animate", photo, talk, "-o", tmp_path / "out.mp4", silent))
    assert "advice" not in result.stderr


def test_advice_does_not_change_the_frames(photo: Path, talk: Path, tmp_path: Path) -> None:
    made = []
    for name, option in (("a.mp4", "--advice"), ("b.mp4", "--no-advice")):
        good(run("animate", photo, talk, "-o", tmp_path / name, option, "-q"))
        with VideoReader(tmp_path / name) as frames:
            made.append([frame.tobytes() for frame in frames])
    assert made[0] == made[1]


def test_programs_get_it_as_an_event(photo: Path, talk: Path, tmp_path: Path) -> None:
    result = good(run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--json"))
    events = [json.loads(line) for line in result.stdout.splitlines()]
    (advice,) = [event for event in events if event["event"] == "advice"]
    assert (advice["source"], advice["about"], advice["kind"]) == (str(photo), "driving", "cuts")
    assert advice["text"].startswith(CUT)
    names = [event["event"] for event in events]
    assert names.index("advice") < names.index("done")


def test_of_several_sources_each_line_is_said_once(photo: Path, talk: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    save_image(small, picture_with_face())
    result = good(run("animate", photo, small, talk, "-o", tmp_path / "out"))
    assert result.stderr.count(CUT) == 1
    assert f"advice: {small}: the head is 81 pixels wide" in result.stderr


def test_every_source_is_read_once(
    photo: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.png"
    save_image(other, picture_with_face((150, 120, 270, 270), 90, height=360, width=480))
    reader = StubReader()
    machine = Animator(StubModel(), reader)
    monkeypatch.setattr("reenact.animator.load", lambda *_, **__: machine)
    good(run("animate", photo, other, talk, "-o", tmp_path / "out"))
    assert reader.looks == 2 * (1 + 10)  # and every driving frame once for each of them


def test_a_video_that_begins_without_a_face_gets_no_advice(talk: Path, tmp_path: Path) -> None:
    """What is animated is seen later; nothing can be said of the first frame."""
    adviser = Adviser(Settings())
    wall = picture_with_face((0, 0, 0, 0))
    adviser.look_at(tmp_path / "film.mp4", wall, [])
    with VideoReader(talk) as frames:
        stub = Animator(StubModel(), StubReader())
        assert adviser.frame(stub, frames, frames, None).found == 10


def test_the_doctor_gives_the_same_advice_alone(photo: Path, talk: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    result = good(run("doctor", photo, talk))
    assert result.stdout.startswith(f"{talk}: {CUT}")
    (line,) = json.loads(good(run("doctor", photo, talk, "--json")).stdout)["advice"]
    assert (line["about"], line["kind"]) == ("driving", "cuts")
    assert sorted(tmp_path.iterdir()) == before


def test_the_doctor_says_that_all_is_well(photo: Path) -> None:
    assert good(run("doctor", photo)).stdout == "no advice: nothing is wrong that would show\n"
    assert json.loads(good(run("doctor", photo, "--json")).stdout) == {"advice": []}


def test_the_doctor_needs_faces(photo: Path, tmp_path: Path) -> None:
    assert isinstance(run("doctor", photo, "--face", 2).exception, FaceNotFoundError)
    save_image(tmp_path / "wall.png", picture_with_face((0, 0, 0, 0)))
    assert isinstance(run("doctor", tmp_path / "wall.png").exception, FaceNotFoundError)
    assert isinstance(run("doctor", photo, tmp_path / "wall.png").exception, FaceNotFoundError)
