"""What can be set about a model, and how settings are read from files and the command line.

Defaults are the paper's sizes. A file lists only what differs; an unknown key is an error that
names the nearest known one. Only `build_*` functions read these classes: modules get numbers.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from reenact.errors import ConfigError

STRICT = ConfigDict(extra="forbid")
"""What every section of a config is declared with."""

Width = Annotated[int, Field(ge=1, le=4096)]
"""Number of channels."""
Count = Annotated[int, Field(ge=1, le=256)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Settings = dict[str, Any]
"""A config as plain data: what YAML and JSON hold."""

T = TypeVar("T")

POSE_MIRRORS: Mapping[str, tuple[int, ...]] = {
    "reader6": (1, -1, -1, 1, -1, 1),
    "deca_pose6": (1, -1, -1, 1, -1, -1),
    "deca_rot3": (1, -1, -1),
    "deca_pose_cam9": (1, -1, -1, 1, -1, -1, 1, -1, 1),
    "rot6d+jaw3": (1, -1, -1, -1, 1, 1, 1, -1, -1),
}
"""Known pose codes, and the sign that each of their numbers takes in a mirrored picture."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PoseConfig:
    """The pose code that steers masks, compensation and decoder (method.md 5)."""

    code: str = "reader6"
    """Name of the code; an attached pose encoder must speak it, and pairs are mirrored by it."""
    width: Count = 6
    """P, the length of the code."""
    standardise: bool = True
    """Take the mean and deviation of the training set out of every number of the code."""

    @model_validator(mode="after")
    def _check(self) -> PoseConfig:
        known = POSE_MIRRORS.get(self.code)
        if known is not None and self.width != len(known):
            raise ValueError(
                f"width is {self.width}, expected {len(known)} for code {self.code!r}. "
                "Give the width of the code, or the code a name of its own"
            )
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MotionConfig:
    """Keypoints, and the masks that blend their flows (method.md 3, 4)."""

    num_keypoints: Count = 10
    """K."""
    base: Width = 32
    """Channels the keypoint hourglass starts from."""
    max_width: Width = 1024
    """Most channels inside the keypoint hourglass."""
    blocks: Annotated[int, Field(ge=1, le=6)] = 5
    """How many times the hourglasses halve their input, a quarter of the picture."""
    affine_maps: Count = 10
    """Maps the affines are read from: one a keypoint, or 1 shared by all."""
    temperature: Positive = 0.1
    """Of the softmax over a keypoint's heatmap."""
    heatmap_variance: Positive = 0.01
    """Of the bumps that show the mask estimator where the keypoints are."""
    estimator: Literal["pose_aware", "hourglass"] = "pose_aware"
    """What makes the masks: steered by the pose, or the plain baseline."""
    estimator_widths: tuple[Width, Width, Width] = (128, 256, 512)
    """Channels of the pose-aware estimator at 1/8, 1/16, 1/32 of the picture."""
    estimator_last: Width = 64
    """Channels of its last block, at 1/4 of the picture."""
    estimator_base: Width = 64
    """Channels the baseline's hourglass starts from."""
    estimator_max_width: Width = 1024
    """Most channels inside the baseline's hourglass."""
    pose_input: Literal["driving", "driving_and_source"] = "driving"
    """Whose pose steers the estimator."""
    min_determinant: NotNegative = 1e-3
    """Affines are inverted as if they shrank areas no further; 0 divides by what is there."""

    @model_validator(mode="after")
    def _check(self) -> MotionConfig:
        if self.affine_maps not in (1, self.num_keypoints):
            raise ValueError(f"affine_maps must be 1 or num_keypoints ({self.num_keypoints})")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EncoderConfig:
    """The source encoder (method.md 7); its widths are the decoder's and the bank's too."""

    base: Width = 64
    """Channels at full size; they double at each of the four halvings."""
    max_width: Width = 512
    """Most channels at any size."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the five features, coarsest first."""
        return tuple(min(self.max_width, self.base * 2**level) for level in (4, 3, 2, 1, 0))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DecoderConfig:
    """The decoder (method.md 10)."""

    pose_aware: bool = True
    """Steer its blocks by the pose; False is the ablation without, of plain residual blocks."""
    full_resolution_skip: bool = True
    """Let the warped features of full size take part."""
    image_blend: bool = True
    """Show the warped source picture where the occlusion map calls it visible."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BankConfig:
    """The facelet bank (method.md 8)."""

    enabled: bool = True
    """False removes bank and compensation: the ablation without them."""
    width: Width = 512
    """D, the length of a token."""
    heads: Count = 8
    """Attention heads of the transformer layer."""
    feed_forward: Width = 2048
    """Hidden channels of the transformer layer."""
    residual: Literal["printed", "prenorm"] = "printed"
    """Residuals of the transformer layer: one around the whole (eq. 9), or one a part."""
    mask_resize: Literal["area", "nearest"] = "area"
    """How masks get the size of features; nearest, the literal reading, loses small regions."""
    min_area: Annotated[float, Field(ge=0)] = 16.0
    """A region with fewer visible pixels at 256 x 256 counts as absent, in eq. 12 too."""
    absent: Literal["mirror", "learned", "zero"] = "mirror"
    """Token of an absent region: from its mirror region where that is present, else learned."""

    @model_validator(mode="after")
    def _check(self) -> BankConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads ({self.heads})")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CompensationConfig:
    """Filling what the source does not show (method.md 9)."""

    width: Width = 128
    """d, the length of queries and keys."""
    kernels: Count = 4
    """Kernels the dynamic layers mix; 1 makes them ordinary linear layers."""
    initial_temperature: Positive = 34.0
    """Of the kernel mixture when training starts; it falls to 1."""
    null_token: bool = True
    """Give pixels that belong to no region somewhere to look."""
    query: Literal["context", "literal"] = "context"
    """What a pixel asks with: features, occlusion, masks and keypoints, or warped features only."""
    query_kernel: Literal[1, 3] = 3
    """Size of the query's convolution; 1 for real time on a CPU."""
    modulation_width: Width = 96
    """Hidden channels between the pose code and the query's norm."""
    min_occlusion: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Most that the query's features are brightened by is one over this."""
    heatmap_variances: tuple[Positive, Positive, Positive, Positive, Positive] = (
        0.04,
        0.04,
        0.01,
        0.01,
        0.01,
    )
    """Of the keypoint bumps in the query, coarsest first."""
    scales: Annotated[int, Field(ge=1, le=5)] = 4
    """N, how many scales are filled, coarsest first; 5 takes the features of full size too."""

    @staticmethod
    def upgrade(settings: Settings) -> Settings:
        """Settings in the names of today: `scales` was `stem`, which meant one more of them."""
        if not isinstance(settings.get("stem"), bool) or "scales" in settings:
            return settings
        others = {key: value for key, value in settings.items() if key != "stem"}
        return others | {"scales": 5 if settings["stem"] else 4}


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelConfig:
    """A whole model of the `facelet` family."""

    image_size: Annotated[int, Field(ge=64, le=1024, multiple_of=32)] = 256
    """Side of the pictures, pixels; a quarter of it is halved `motion.blocks` times."""
    pose: PoseConfig = PoseConfig()
    motion: MotionConfig = MotionConfig()
    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    bank: BankConfig = BankConfig()
    compensation: CompensationConfig = CompensationConfig()

    @property
    def filled_widths(self) -> tuple[int, ...]:
        """Channels of the features that compensation fills, coarsest first."""
        return self.encoder.widths[: self.compensation.scales]

    @model_validator(mode="after")
    def _check(self) -> ModelConfig:
        multiple = 4 * 2**self.motion.blocks
        if self.image_size % multiple:
            raise ValueError(
                f"image_size is {self.image_size}, expected a multiple of {multiple} for "
                f"motion.blocks {self.motion.blocks}. Change one of them"
            )
        return self


SIZES = {
    "b": ModelConfig(),
    "s": ModelConfig(
        motion=MotionConfig(
            base=16, max_width=256, estimator_widths=(64, 128, 256), estimator_last=32
        ),
        encoder=EncoderConfig(base=32, max_width=256),
        bank=BankConfig(width=256, heads=4, feed_forward=512),
    ),
    "tiny": ModelConfig(
        image_size=64,
        motion=MotionConfig(
            base=8, max_width=16, blocks=3, estimator_widths=(8, 16, 16), estimator_last=8
        ),
        encoder=EncoderConfig(base=8, max_width=16),
        bank=BankConfig(width=16, heads=2, feed_forward=32),
        compensation=CompensationConfig(width=8, modulation_width=8),
    ),
}
"""Named sizes: the paper's, the shipped default, and one for tests."""


def load_config(schema: type[T], path: Path | None = None, overrides: Iterable[str] = ()) -> T:
    """Defaults of a config class, then a YAML file's differences, then `section.field=value`."""
    settings = {} if path is None else _read_yaml(path)
    origin = "config" if path is None else str(path)
    for override in overrides:
        settings = _merge(settings, _parse_override(override))
        origin = f"{origin} --set {override}"
    return from_settings(schema, settings, origin)


def from_settings(schema: type[T], settings: Mapping[str, Any], origin: str = "config") -> T:
    """Check plain data against a config class; `origin` names its source in errors.

    In the section of a model, `size: s` starts from that size instead of the defaults.
    """
    resolved = _resolve(schema, settings, origin, place="")
    try:
        return TypeAdapter(schema).validate_python(resolved)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(error)}") from None


def to_settings(config: Any) -> Settings:
    """A config in full as plain data; `from_settings` reads it back equal."""
    settings: Settings = TypeAdapter(type(config)).dump_python(config, mode="json")
    return settings


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "value_error":  # of keys that do not go together
        return f"{place}{': ' if place else ''}{first['msg'].removeprefix('Value error, ')}."
    return f"'{place}' is {first['input']!r}. {first['msg']}. Change this key."


def _resolve(schema: Any, settings: Any, origin: str, place: str) -> Settings:
    """Refuse unknown keys at every depth, and put in the named model sizes."""
    if not isinstance(settings, Mapping):
        raise ConfigError(
            f"{origin}: '{place.rstrip('.') or schema.__name__}' is {settings!r}. Expected a "
            f"section with some of: {', '.join(field.name for field in fields(schema))}."
        )
    if schema is ModelConfig:
        settings = _expand_size(settings, origin, place)
    if hasattr(schema, "upgrade"):
        settings = schema.upgrade(dict(settings))
    known = get_type_hints(schema)
    for key in settings:
        if key not in known:
            raise ConfigError(
                f"{origin}: unknown key '{place}{key}'. {_suggest(key, known, place)}"
            )
    return {
        key: _resolve(known[key], value, origin, f"{place}{key}.")
        if is_dataclass(known[key])
        else value
        for key, value in settings.items()
    }


def _expand_size(settings: Mapping[str, Any], origin: str, place: str) -> Settings:
    """Replace the key `size` by all that it stands for."""
    differences = dict(settings)
    size = differences.pop("size", None)
    if size is None:
        return differences
    if size not in SIZES:
        raise ConfigError(f"{origin}: '{place}size' is {size!r}. Known: {', '.join(SIZES)}.")
    return _merge(to_settings(SIZES[size]), differences)


def _suggest(key: object, known: Iterable[str], place: str) -> str:
    names = [*known]
    nearest = difflib.get_close_matches(str(key), names, n=1)
    return f"Did you mean '{place}{nearest[0]}'?" if nearest else f"Known: {', '.join(names)}."


def _merge(settings: Settings, differences: Mapping[str, Any]) -> Settings:
    """Settings with differences put over them, section by section."""
    merged = dict(settings)
    for key, value in differences.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _parse_override(override: str) -> Settings:
    """`section.field=value` to nested settings; the value is YAML."""
    path, equals, text = override.partition("=")
    if not equals or not all(path.split(".")):
        raise ConfigError(f"--set {override}: expected section.field=value, for example base=16.")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: the value is no YAML. Quote or correct it.") from None
    for key in reversed(path.split(".")):
        value = {key: value}
    settings: Settings = value
    return settings


def _read_yaml(path: Path) -> Settings:
    try:
        settings: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). Expected a YAML file. Check the path."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{path}: is no YAML ({first}). Correct the file.") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(
            f"{path}: holds a {type(settings).__name__}. Expected keys and values at the top."
        )
    return settings
