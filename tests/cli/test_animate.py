from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact.cli.animate import animate, split_inputs
from reenact.cli.batch import expand_sources
from reenact.cli.job import job_key
from reenact.cli.rendering import Settings
from reenact.cli.stopping import requests_as_interrupts, stoppable
from reenact.cli.targets import check_target
from reenact.cli.template import template
from reenact.errors import MediaError, ReenactError
from reenact.records import Image
from reenact.video import GENERATED, VideoReader, load_image, probe, save_image
from stubs import (
    StubCrowd,
    StubModel,
    StubReader,
    face_clip,
    picture_with_face,
    picture_with_faces,
)
from video.clips import make_clip, sound_packets

app = typer.Typer()
app.command()(animate)
app.command()(template)

pytestmark = pytest.mark.usefixtures("stub_networks")


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


def test_the_model_runs_in_the_thread_of_the_command(
    photo: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[StubModel] = []
    monkeypatch.setattr(StubModel, "train", lambda model, mode: models.append(model) or model)
    good(run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--no-crop"))
    assert models
    assert {thread for model in models for thread in model.threads} == {threading.get_ident()}


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
        assert error_of(run("animate", photo, talk, "-o", out)).startswith(f"{talk}: no face")
        silent = run("animate", photo, talk, "-o", out, "--no-advice")
        assert error_of(silent).startswith(f"{talk}: no face")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "photo.png",
        "talk.mp4",
        "text.mp4",
    ]


@pytest.fixture
def fails_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, BaseException], None]:
    """Let the model fail at its so many-th batch from now, once."""
    original = StubModel.render

    def arrange(number: int, error: BaseException) -> None:
        calls = 0

        def render(self: StubModel, *arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                raise error
            return original(self, *arguments)

        monkeypatch.setattr(StubModel, "render", render)

    return arrange


def pictures(path: Path) -> list[Image]:
    with VideoReader(path) as frames:
        return list(frames)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyboardInterrupt()])
def test_what_is_finished_is_kept_and_gone_on_from(
    photo: Path,
    talk: Path,
    tmp_path: Path,
    fails_at: Callable[[int, BaseException], None],
    error: BaseException,
) -> None:
    whole, out, part = (tmp_path / name for name in ("w.mp4", "out.mp4", "out.partial.mp4"))
    options = ("--no-crop", "--batch-size", 2, "--quality", 0)  # lossless
    good(run("animate", photo, talk, "-o", whole, *options))
    command = ("animate", photo, talk, "-o", out, *options)
    fails_at(5, error)  # the first renders the source itself
    result = run(*command)
    assert result.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert names(tmp_path) == ["out.partial.mp4", "photo.png", "talk.mp4", "w.mp4"]
    assert len(pictures(part)) == 6
    assert "--resume" in error_of(run(*command))
    assert "other inputs" in error_of(run(*command, "--resume", "--motion", "absolute"))
    good(run(*command, "--resume"))
    assert names(tmp_path) == ["out.mp4", "photo.png", "talk.mp4", "w.mp4"]
    assert sound_packets(out) == sound_packets(talk)
    assert probe(out).rate == probe(whole).rate
    for here, there in zip(pictures(out), pictures(whole), strict=True):
        assert np.array_equal(here, there)
    made = out.stat().st_mtime_ns
    good(run(*command, "--resume"))
    assert out.stat().st_mtime_ns == made
    assert "exists already" in error_of(run(*command, "--resume", "--motion", "absolute"))


def test_a_part_can_be_given_up(
    photo: Path, talk: Path, tmp_path: Path, fails_at: Callable[[int, BaseException], None]
) -> None:
    command = ("animate", photo, talk, "-o", tmp_path / "out.mp4", "--no-crop")
    fails_at(3, RuntimeError())
    assert isinstance(run(*command).exception, RuntimeError)
    assert names(tmp_path) == ["out.partial.mp4", "photo.png", "talk.mp4"]
    good(run(*command, "--overwrite", "--motion", "absolute"))
    assert names(tmp_path) == ["out.mp4", "photo.png", "talk.mp4"]
    assert len(pictures(tmp_path / "out.mp4")) == 12


def test_a_template_is_gone_on_from_as_well(
    photo: Path, talk: Path, tmp_path: Path, fails_at: Callable[[int, BaseException], None]
) -> None:
    motion, out = tmp_path / "talk.safetensors", tmp_path / "out.mp4"
    good(run("template", talk, "-o", motion, "--no-crop"))
    fails_at(3, RuntimeError())
    run("animate", photo, motion, "-o", out)
    good(run("animate", photo, motion, "-o", out, "--resume"))
    assert probe(out).frames == 12


def test_a_request_to_end_is_obeyed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with requests_as_interrupts(), pytest.raises(typer.Exit) as stop, stoppable():
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.exit_code == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stop_before_the_first_frame_is_told(
    photo: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reenact.animator.load", interrupted)
    stopped = run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--json")
    assert stopped.exit_code == 130
    assert stopped.stderr == "reenact: stopped: nothing is finished\n"
    last = json.loads(stopped.stdout.splitlines()[-1])
    assert last == {"event": "stopped", "source": None, "partial": None}
    assert names(tmp_path) == ["photo.png", "talk.mp4"]


def test_a_job_is_known_by_its_inputs_and_settings(photo: Path, talk: Path) -> None:
    key = job_key((photo, talk), "reenact-s", Settings())
    assert key == job_key((photo, talk), "reenact-s", Settings())
    assert key != job_key((photo, photo), "reenact-s", Settings())
    assert key != job_key((photo, talk), "other", Settings())
    assert key != job_key((photo, talk), "reenact-s", Settings(quality=3))
    photo.write_bytes(photo.read_bytes() + b"0")
    assert key != job_key((photo, talk), "reenact-s", Settings())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a.png",),
        ("-s", "a.png"),
        ("-d", "b.mp4"),
        ("a.png", "b.mp4", "--driving-from", "2", "--driving-to", "2"),
        ("a.png", "b.mp4", "--relative", "--motion", "absolute"),
        ("a.png", "b.mp4", "--find-best-frame", "--no-crop"),
        ("a.png", "b.mp4", "--find-best-frame", "--motion", "absolute"),
        ("a.png", "b.mp4", "--face", "2", "--no-crop"),
        ("a.png", "b.mp4", "--quality", "77"),
        ("a.png", "b.mp4", "--strength", "2.1"),
        ("a.png", "b.mp4", "--only", "nose"),
        ("a.png", "b.mp4", "--only", "pose", "--keep-pose"),
        ("a.png", "b.mp4", "--smooth-cutoff", "0"),
        ("a.png", "b.mp4", "--all-faces", "--face", "2"),
        ("a.png", "b.mp4", "--all-faces", "--no-crop"),
        ("a.png", "b.mp4", "--all-faces", "--no-paste-back"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    assert run("animate", *arguments).exit_code == 2


def test_inputs_by_name_leave_their_place_to_the_others() -> None:
    a, b, c = Path("a"), Path("b"), Path("c")
    assert split_inputs([a, b], [], None) == ([a], b)
    assert split_inputs([b], [a], None) == ([a], b)
    assert split_inputs([a], [], b) == ([a], b)
    assert split_inputs([], [a], b) == ([a], b)
    assert split_inputs([a, b, c], [], None) == ([a, b], c)
    assert split_inputs([b, c], [a], None) == ([a, b], c)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two photographs, and of a file between them that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a1.png", "a10.png"):
        save_image(folder / name, picture_with_face())
    (folder / "a2.png").write_text("no picture")
    return folder


def test_one_bad_source_does_not_stop_the_others(photos: Path, talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("animate", photos / "*.png", talk, "-o", out, "--no-crop", "-q")
    result = run(*command)
    assert result.exit_code == 3
    assert result.stdout.split() == [str(out / "a1-talk.mp4"), str(out / "a10-talk.mp4")]
    assert "2 of 3 made" in result.stderr
    assert result.stderr.count("a2.png") >= 2
    assert names(out) == ["a1-talk.mp4", "a10-talk.mp4"]
    save_image(photos / "a2.png", picture_with_face())
    before = (out / "a1-talk.mp4").stat().st_mtime_ns
    again = good(run(*command, "--resume"))  # a batch goes on where it stopped
    assert len(again.stdout.split()) == 3
    assert (out / "a1-talk.mp4").stat().st_mtime_ns == before
    assert run(*command).exit_code == 1
    assert len(names(out)) == 3


def test_a_pattern_asks_for_several_even_if_it_finds_one(
    photos: Path, talk: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert good(
        run("animate", photos / "*10.png", talk, "-o", out, "--no-crop")
    ).stdout.split() == [str(out / "a10-talk.mp4")]
    result = run("animate", photos / "*10.png", talk, "-o", tmp_path / "x.mp4", "--no-crop")
    assert "--output FOLDER --format mp4" in error_of(result)
    assert not (tmp_path / "x.mp4").exists()


def test_outputs_of_one_name_are_told_apart(photos: Path, talk: Path, tmp_path: Path) -> None:
    save_image(tmp_path / "a1.png", picture_with_face())
    sources = (photos / "a1.png", "-s", tmp_path / "a1.png")
    good(run("animate", "-d", talk, *sources, "-o", tmp_path / "out", "--no-crop"))
    assert names(tmp_path / "out") == ["a1-2-talk.mp4", "a1-talk.mp4"]


def test_patterns_of_sources_are_expanded_once(photos: Path) -> None:
    one = photos / "a10.png"
    assert expand_sources([one, photos / "a1*.png"]) == [one, photos / "a1.png"]
    with pytest.raises(MediaError, match="Check the pattern"):
        expand_sources([photos / "*.webp"])


@pytest.mark.parametrize("place", ["", "*.png", "2.png"])
def test_pictures_drive_as_well(photo: Path, tmp_path: Path, place: str) -> None:
    folder, out = tmp_path / "drive", tmp_path / "out.mp4"
    folder.mkdir()
    for index in range(3):
        save_image(folder / f"{index}.png", picture_with_face((40 + 4 * index, 40, 80, 90)))
    good(run("animate", photo, folder / place, "-o", out))
    assert (probe(out).frames, probe(out).rate) == (1 if place == "2.png" else 3, 25)


def test_a_gif_drives_as_well(photo: Path, tmp_path: Path) -> None:
    talk = make_clip(tmp_path / "t.gif", 6, rate=Fraction(10), codec="gif", pix_fmt="rgb8")
    good(run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--no-crop"))
    assert (probe(tmp_path / "out.mp4").frames, probe(tmp_path / "out.mp4").rate) == (6, 10)


def test_a_folder_without_pictures_is_an_error(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text("no picture")
    out = tmp_path / "out.mp4"
    assert "no picture" in error_of(run("animate", photo, tmp_path / "texts", "-o", out))
    assert not out.exists()


def test_a_stretch_of_the_driving_is_taken(photo: Path, tmp_path: Path) -> None:
    talk = make_clip(tmp_path / "talk.mp4", 25, sound=1.0)
    stretch = ("--driving-from", 0.2, "--driving-to", 0.6, "--no-crop")
    good(run("animate", photo, talk, "-o", tmp_path / "out.mp4", *stretch))
    assert (probe(tmp_path / "out.mp4").frames, probe(tmp_path / "out.mp4").start) == (10, 0)
    assert 5 <= len(sound_packets(tmp_path / "out.mp4")) <= 8
    motion = tmp_path / "talk.safetensors"
    good(run("template", talk, "-o", motion, "--no-crop"))
    good(run("animate", photo, motion, "-o", tmp_path / "two.mp4", *stretch))
    assert probe(tmp_path / "two.mp4").frames == 10
    beyond = run("animate", photo, motion, "-o", tmp_path / "no.mp4", "--driving-from", 9)
    assert error_of(beyond).startswith(f"{motion}: no frame from 9 s")
    beyond = run("animate", photo, talk, "-o", tmp_path / "no.mp4", "--driving-from", 9)
    assert error_of(beyond).startswith(f"{talk}: no frame from 9 s")


def test_a_frame_of_a_video_can_be_the_source(talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    still = ("--no-crop", "--quality", 0)
    good(run("animate", talk, talk, "-o", out, "--source-frame", 4, *still))
    first, fourth = pictures(out)[0], pictures(talk)[3]
    assert abs(float(first.mean()) - float(fourth.mean())) < 2
    assert "12 frames" in error_of(
        run("animate", talk, talk, "-y", "-o", out, "--source-frame", 13)
    )


def test_the_sound_is_that_of_whom_one_asks_for(photo: Path, talk: Path, tmp_path: Path) -> None:
    person = make_clip(tmp_path / "person.mp4", 5, sound=0.3)
    out = tmp_path / "out.mp4"
    heard: dict[str, list[bytes] | None] = {
        "source": sound_packets(person),
        "driving": sound_packets(talk),
        "none": None,
    }
    for whose, packets in heard.items():
        still = ("--source-frame", 1, "--no-crop")
        good(run("animate", person, talk, "-y", "-o", out, *still, "--audio", whose))
        assert (sound_packets(out) if probe(out).has_audio else None) == packets
    result = run(
        "animate", photo, talk, "-y", "-o", out, "--audio", "source", "--no-crop", "--json"
    )
    assert "--audio driving or none" in error_of(result)
    assert "progress" not in result.stdout  # before any work
    assert events(result)[-1] == {"event": "end", "made": 0, "failed": 1}


def events(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_programs_are_told_by_events(photos: Path, talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("animate", photos / "*.png", talk, "-o", out, "--no-crop", "--json")
    told = events(result)
    assert result.exit_code == 3
    assert told[0] == {"event": "start", "model": "reenact-s", "device": "cpu", "sources": 3}
    last = [event for event in told if event["event"] == "progress"][-1]
    assert (last["stage"], last["done"], last["total"]) == ("animating", 12, 12)
    (failed,) = [event for event in told if event["event"] == "failed"]
    assert failed["source"] == str(photos / "a2.png")
    assert "expected" in failed["error"]
    assert [event["target"] for event in told if event["event"] == "done"] == [
        str(out / "a1-talk.mp4"),
        str(out / "a10-talk.mp4"),
    ]
    assert told[-1] == {"event": "end", "made": 2, "failed": 1}
    save_image(photos / "a2.png", picture_with_face())
    again = run("animate", photos / "*.png", talk, "-o", out, "--no-crop", "--json", "--resume")
    told = [event for event in events(again) if event["event"] != "progress"]
    assert [event["event"] for event in told] == ["start", "done", "done", "done", "end"]
    assert (told[0]["sources"], told[-1]["made"]) == (3, 3)


def test_programs_are_told_of_a_stop(
    photo: Path, talk: Path, tmp_path: Path, fails_at: Callable[[int, BaseException], None]
) -> None:
    fails_at(3, KeyboardInterrupt())
    out = tmp_path / "out.mp4"
    result = run("animate", photo, talk, "-o", out, "--no-crop", "--json")
    assert result.exit_code == 130
    part = str(tmp_path / "out.partial.mp4")
    assert events(result)[-1] == {"event": "stopped", "source": str(photo), "partial": part}


def test_quality_and_effort_are_those_of_x264(photo: Path, talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"

    def size(*options: object) -> int:
        good(run("animate", photo, talk, "-y", "-o", out, "--no-crop", "--no-audio", *options))
        return out.stat().st_size

    assert size("--quality", 40) < size("--quality", 10)
    assert size("--preset", "slow") < size("--preset", "ultrafast")


def test_a_face_that_is_not_there_is_an_error(photo: Path, tmp_path: Path) -> None:
    talk = face_clip(tmp_path / "talk.mkv")
    result = run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--face", 2)
    assert f"{photo}: found 1 face" in error_of(result)  # by its name, not as "source"


def test_lips_without_a_keypoint_on_them_are_an_error(photo: Path, tmp_path: Path) -> None:
    talk = face_clip(tmp_path / "talk.mkv")
    result = run("animate", photo, talk, "-o", tmp_path / "out.mp4", "--only", "lips")
    assert "none of the model's keypoints on its lips" in error_of(result)
    assert not (tmp_path / "out.mp4").exists()


def lossless(*arguments: object) -> list[Image]:
    """Frames of an output of `animate` with these arguments after the inputs and before."""
    good(run("animate", *arguments, "--quality", 0, "-y", "-q", "--no-advice"))
    return pictures(Path(str(arguments[arguments.index("-o") + 1])))


def lit_clip(path: Path, shades: list[int], rate: int = 25) -> Path:
    """A lossless clip of a face that keeps still in changing light."""
    empty = np.full_like(picture_with_face(), 60)
    return film(
        path, [picture_with_face(shade=shade) if shade else empty for shade in shades], rate
    )


def crowd_clip(path: Path, counts: list[int]) -> Path:
    """A lossless clip of as many of two faces as are wanted in every frame."""
    boxes = [(30, 40, 70, 90), (170, 50, 200, 80)]
    return film(path, [picture_with_faces(*boxes[:count]) for count in counts])


def film(path: Path, frames: list[Image], rate: int = 25) -> Path:
    """A lossless clip."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    return path


def test_a_video_is_animated_frame_by_frame(tmp_path: Path) -> None:
    person = lit_clip(tmp_path / "person.mkv", [60, 90, 120, 150])
    still = lit_clip(tmp_path / "still.mkv", [80] * 6)
    made = lossless(person, still, "-o", tmp_path / "out.mp4")
    for here, there in zip(made, pictures(person), strict=True):
        assert np.abs(here.astype(int) - there).mean() < 2
    frozen = lossless(person, still, "-o", tmp_path / "out.mp4", "--source-frame", 3)
    assert len(frozen) == 6
    for here in frozen:
        assert np.abs(here.astype(int) - pictures(person)[2]).mean() < 2


def test_a_comparison_with_a_filmed_source_shows_its_frames(tmp_path: Path) -> None:
    person = lit_clip(tmp_path / "person.mkv", [60, 90, 120, 150])
    still = lit_clip(tmp_path / "still.mkv", [80] * 6)
    made = lossless(person, still, "-o", tmp_path / "out.mp4", "--compare")
    for page, there in zip(made, pictures(person), strict=True):
        assert page.shape == (120, 3 * 160 + 8, 3)
        assert np.abs(page[:, :160].astype(int) - there).mean() < 3


def test_a_video_keeps_time_with_the_driving_one(tmp_path: Path) -> None:
    person = make_clip(tmp_path / "person.mp4", 10, rate=Fraction(25))
    talk = make_clip(tmp_path / "talk.mp4", 40, rate=Fraction(50), sound=0.8)
    out = tmp_path / "out.mp4"
    assert len(lossless(person, talk, "-o", out, "--no-crop")) == 20
    assert (probe(out).rate, probe(out).has_audio) == (50, True)
    assert 6 <= len(sound_packets(out)) < len(sound_packets(talk)) - 4


def test_a_stopped_film_is_gone_on_with(
    tmp_path: Path, fails_at: Callable[[int, BaseException], None]
) -> None:
    person = lit_clip(tmp_path / "person.mkv", [60, 90, 120, 150, 90, 60, 70, 80])
    talk = lit_clip(tmp_path / "talk.mkv", [80, 90, 0, 100, 110, 120, 90, 80])
    command = (person, talk, "--batch-size", 2, "--smooth")
    whole = lossless(*command, "-o", tmp_path / "whole.mp4")
    out = tmp_path / "out.mp4"
    fails_at(12, RuntimeError())  # two renderings a frame
    first = run("animate", *command, "-o", out, "--quality", 0, "--no-advice")
    assert isinstance(first.exception, RuntimeError)
    result = good(
        run("animate", *command, "-o", out, "--quality", 0, "--no-advice", "--resume", "--json")
    )
    (done,) = [event for event in events(result) if event["event"] == "done"]
    assert done["held"] == 1
    for here, there in zip(pictures(out), whole, strict=True):
        assert np.array_equal(here, there)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the reader find more than one face."""
    monkeypatch.setattr(StubReader, "read", StubCrowd.read)


@pytest.mark.usefixtures("crowd")
def test_all_faces_of_a_video_move(tmp_path: Path) -> None:
    people = crowd_clip(tmp_path / "people.mkv", [2, 2, 1, 2])
    talk = lit_clip(tmp_path / "talk.mkv", [80, 120, 120, 120, 120])

    def moved(*options: object) -> list[list[int]]:
        """Change in the middle of either face, in every frame."""
        made = lossless(people, talk, "-o", tmp_path / "out.mp4", *options)
        before = pictures(people)
        return [
            [int(np.abs(frame.astype(int) - still)[65, x].max()) for x in (50, 185)]
            for frame, still in zip(made, before * 2, strict=False)
        ]

    both, only, still = moved("--all-faces"), moved(), moved("--all-faces", "--source-frame", 1)
    assert [[level > 10 for level in frame] for frame in both] == [
        [False, False],
        [True, True],
        [True, False],  # nobody there
        [True, True],
    ]
    assert [first for first, _ in both] == [first for first, _ in only]
    assert max(second for _, second in only) <= 3
    assert len(still) == 5


@pytest.mark.usefixtures("crowd")
def test_a_stopped_film_of_several_is_gone_on_with(
    tmp_path: Path, fails_at: Callable[[int, BaseException], None]
) -> None:
    people = crowd_clip(tmp_path / "people.mkv", [2, 1, 2, 2, 1, 2, 2, 2])
    talk = lit_clip(tmp_path / "talk.mkv", [80, 90, 0, 100, 110, 120, 90, 80])
    command = (people, talk, "--batch-size", 2, "--all-faces", "--compare")
    whole = lossless(*command, "-o", tmp_path / "whole.mp4")
    again = (*command, "-o", tmp_path / "out.mp4", "--quality", 0, "--no-advice")
    fails_at(22, RuntimeError())  # four renderings a frame
    assert isinstance(run("animate", *again).exception, RuntimeError)
    assert 0 < len(pictures(tmp_path / "out.partial.mp4")) < 8
    result = good(run("animate", *again, "--resume", "--json"))
    (done,) = [event for event in events(result) if event["event"] == "done"]
    assert (done["held"], done["absent"]) == (1, 2)
    for here, there in zip(pictures(tmp_path / "out.mp4"), whole, strict=True):
        assert np.array_equal(here, there)


def test_how_often_a_filmed_face_was_out_of_sight_is_said(tmp_path: Path) -> None:
    person = lit_clip(tmp_path / "person.mkv", [60, 0, 0, 60, 60])
    talk = lit_clip(tmp_path / "talk.mkv", [80] * 5)
    result = good(run("animate", person, talk, "-o", tmp_path / "out.mp4", "-q"))
    assert "a source face out of sight in 2 of 5 frames" in result.stderr


def test_a_video_without_a_face_is_named(talk: Path, tmp_path: Path) -> None:
    result = run("animate", talk, talk, "-o", tmp_path / "out.mp4", "--all-faces")
    assert error_of(result).startswith(f"{talk}: no face in the 12 frames")
    assert not (tmp_path / "out.mp4").exists()


def test_the_part_and_strength_of_a_motion_are_obeyed(photo: Path, tmp_path: Path) -> None:
    talk = lit_clip(tmp_path / "talk.mkv", [80, 120, 160])
    still, motion = load_image(photo), tmp_path / "talk.safetensors"
    good(run("template", talk, "-o", motion))

    def change(driving: Path, *options: object) -> int:
        made = lossless(photo, driving, "-o", tmp_path / "out.mp4", *options)
        return int(np.abs(made[2].astype(int) - still)[60, 60:80].max())

    for driving in (talk, motion):
        whole = change(driving)
        assert change(driving, "--only", "pose") == pytest.approx(whole, abs=3)
        assert change(driving, "--keep-pose") <= 3
        assert change(driving, "--strength", 0) <= 3
        assert change(driving, "--strength", 0.5) == pytest.approx(whole / 2, abs=3)
        assert change(driving, "--smooth-cutoff", 0.5, "--smooth-beta", 0) < whole / 2


def test_how_often_the_motion_was_held_is_said(photo: Path, tmp_path: Path) -> None:
    talk = lit_clip(tmp_path / "talk.mkv", [80, 120, 0, 0, 160])
    out = tmp_path / "out.mp4"
    result = good(run("animate", photo, talk, "-o", out, "-q"))
    assert "no driving face in 2 of 5 frames; the last motion was held" in result.stderr
    assert result.stdout.strip() == str(out)
    told = events(good(run("animate", photo, talk, "-o", out, "-y", "--json")))
    assert told[-2]["held"] == 2
    assert "held" not in good(run("animate", photo, photo, "-o", out, "-y")).stderr


def test_a_template_says_how_often_its_motion_was_held(tmp_path: Path) -> None:
    talk = lit_clip(tmp_path / "talk.mkv", [60, 70, 0, 0, 80])
    result = good(run("template", talk, "-o", tmp_path / "motion.safetensors", "-q"))
    assert "no driving face in 2 of 5 frames; the last motion was held" in result.stderr
