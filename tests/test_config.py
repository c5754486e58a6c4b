from pathlib import Path

import pytest
import torch

from reenact.config import (
    POSE_MIRRORS,
    SIZES,
    ModelConfig,
    from_settings,
    load_config,
    to_settings,
)
from reenact.errors import ConfigError
from reenact.model import build_model
from reenact.records import Parsing


@pytest.mark.parametrize("size", SIZES)
def test_to_plain_data_and_back(size: str) -> None:
    assert from_settings(ModelConfig, to_settings(SIZES[size])) == SIZES[size]


def test_plain_data_holds_plain_types() -> None:
    def flatten(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in flatten(item)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in flatten(item)]
        return [value]

    assert {type(leaf) for leaf in flatten(to_settings(ModelConfig()))} <= {int, float, bool, str}


def test_default_is_the_papers_size() -> None:
    config = load_config(ModelConfig)
    assert config == SIZES["b"]
    assert config.encoder.widths == (512, 512, 256, 128, 64)
    assert config.bank.width == 512


def test_filled_widths_leave_out_the_stem_unless_asked() -> None:
    assert load_config(ModelConfig).filled_widths == (512, 512, 256, 128)
    with_stem = load_config(ModelConfig, overrides=["compensation.scales=5"])
    assert with_stem.filled_widths == (512, 512, 256, 128, 64)


def test_a_file_lists_only_the_differences(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("size: s\nbank: {absent: learned}\n")
    config = load_config(ModelConfig, path)
    assert config.bank.absent == "learned"
    assert config.bank.width == SIZES["s"].bank.width
    assert config.encoder == SIZES["s"].encoder


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("# nothing\n")
    assert load_config(ModelConfig, path) == ModelConfig()


def test_overrides_win_over_the_file_and_later_ones_over_earlier(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("size: s\nmotion: {num_keypoints: 12, affine_maps: 1}\n")
    overrides = ["motion.base=8", "motion.base=24", "bank.enabled=false"]
    config = load_config(ModelConfig, path, overrides)
    assert config.motion.num_keypoints == 12
    assert config.motion.base == 24
    assert not config.bank.enabled


def test_values_are_yaml() -> None:
    overrides = ["motion.estimator_widths=[8, 16, 32]", "motion.temperature=2e-1"]
    config = load_config(ModelConfig, overrides=overrides)
    assert config.motion.estimator_widths == (8, 16, 32)
    assert config.motion.temperature == 0.2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("motion.num_kp=12", "unknown key 'motion.num_kp'. Did you mean 'motion.num_keypoints'?"),
        ("bnak.width=3", "unknown key 'bnak'. Did you mean 'bank'?"),
        ("motion.zzz=1", "Known: num_keypoints, base"),
        ("size=xl", "'size' is 'xl'. Known: b, s, tiny"),
        ("motion=3", "'motion' is 3. Expected a section"),
        ("motion.base=wide", "'motion.base' is 'wide'"),
        ("motion.base=0", "greater than or equal to 1"),
        ("motion.affine_maps=3", "affine_maps must be 1 or num_keypoints"),
        ("bank.heads=7", "width 512 must be a multiple of heads (7)"),
        ("image_size=250", "multiple of 32"),
        ("image_size=32", "greater than or equal to 64"),
        ("image_size=224", "image_size is 224, expected a multiple of 128 for motion.blocks 5."),
        ("pose.width=9", "pose: width is 9, expected 6 for code 'reader6'."),
        ("compensation.scales=6", "less than or equal to 5"),
        ("bank.absent=guess", "'mirror', 'learned' or 'zero'"),
        ("motion.base", "expected section.field=value"),
        ("motion..base=1", "expected section.field=value"),
        ("motion.base=[", "the value is no YAML"),
    ],
)
def test_what_cannot_be_used_is_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(ModelConfig, overrides=[override])
    assert message in str(raised.value)
    assert override in str(raised.value)


def test_an_error_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("motion: {num_kp: 12}\n")
    with pytest.raises(ConfigError, match=r"model\.yaml: unknown key 'motion\.num_kp'"):
        load_config(ModelConfig, path)


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"a: [", b"\xff\xfe\x00", b"!!python/none ''"])
def test_files_that_hold_no_settings_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.yaml"):
        load_config(ModelConfig, path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_config(ModelConfig, tmp_path / "nowhere.yaml")


def test_one_bump_width_a_scale() -> None:
    assert len(ModelConfig().compensation.heatmap_variances) == len(ModelConfig().encoder.widths)


@pytest.mark.parametrize(("stem", "scales"), [(True, 5), (False, 4)])
def test_files_of_old_name_the_scales_by_the_stem(stem: bool, scales: int) -> None:
    old = to_settings(SIZES["s"])
    del old["compensation"]["scales"]
    old["compensation"]["stem"] = stem
    assert from_settings(ModelConfig, old).compensation.scales == scales
    both = {"compensation": {"stem": True, "scales": 2}}
    with pytest.raises(ConfigError, match=r"unknown key 'compensation\.stem'"):
        from_settings(ModelConfig, both)


def test_fewer_filled_scales_are_the_coarser_ones() -> None:
    config = load_config(ModelConfig, overrides=["compensation.scales=2"])
    assert config.filled_widths == config.encoder.widths[:2]


@pytest.mark.parametrize("code", POSE_MIRRORS)
def test_a_mirror_image_of_a_mirror_image_has_the_pose_it_had(code: str) -> None:
    assert {sign**2 for sign in POSE_MIRRORS[code]} == {1}
    width = len(POSE_MIRRORS[code])
    assert load_config(ModelConfig, overrides=[f"pose={{code: {code}, width: {width}}}"])
    with pytest.raises(ConfigError, match=f"expected {width} for code"):
        load_config(ModelConfig, overrides=[f"pose={{code: {code}, width: {width + 1}}}"])


@pytest.mark.parametrize(("size", "blocks"), [(64, 3), (64, 4), (96, 3), (128, 5)])
def test_the_smallest_pictures_that_are_taken_can_be_made(size: int, blocks: int) -> None:
    overrides = ["size=tiny", f"image_size={size}", f"motion.blocks={blocks}"]
    plain = ["motion.estimator=hourglass", "motion.estimator_base=8"]
    image, pose = torch.rand(1, 3, size, size), torch.zeros(1, 6)
    parsing = Parsing(torch.ones(1, size, size, dtype=torch.uint8))
    for estimator in ([], plain):
        config = load_config(ModelConfig, overrides=[*overrides, *estimator])
        assert config.image_size == size
        frame = build_model(config).train()(image, image, parsing, pose).frame
        assert frame.shape == image.shape
