"""Model files: safetensors with the config in the metadata, checked before anything is built.

Nothing in a file is unpickled or evaluated. A file that does not fit its own config to the last
tensor is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from reenact.config import ModelConfig, from_settings, to_settings
from reenact.errors import CheckpointError, ConfigError
from reenact.model import FaceletModel, build_model
from reenact.places import is_file
from reenact.records import Parser, PoseEncoder

FORMAT = "reenact-facelet/1"
"""Family and version; files with another are refused."""
_SUFFIX = ".safetensors"
_FETCH_AGAIN = "Fetch or install the file again."


@dataclass(frozen=True)
class CheckpointInfo:
    """What a model file says about itself."""

    config: ModelConfig
    record: dict[str, Any]
    """How the weights came to be, as the training wrote it down."""


def save_model(
    model: FaceletModel,
    path: str | PathLike[str],
    config: ModelConfig,
    record: Mapping[str, Any] | None = None,
    *,
    half: bool = True,
) -> None:
    """Write the weights of a model; the file appears under its name only when whole.

    With `half`, matrices and kernels are rounded to float16. Vectors and buffers (norms, biases,
    pose statistics) are few and can exceed its range: they stay as they are.
    """
    target = Path(path)
    metadata = {
        "format": FORMAT,
        "config": json.dumps(to_settings(config)),
        "record": json.dumps(dict(record or {})),
    }
    tensors = {
        name: _rounded(tensor) if half else tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    try:
        save_file(tensors, partial, metadata)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def load_model(path: str | PathLike[str], device: torch.device | str = "cpu") -> FaceletModel:
    """Build the model a file describes and fill it with the file's weights, in float32.

    Raises:
        CheckpointError: The file is missing, damaged, or no model of this family.
    """
    file = Path(path)
    config = read_info(file).config
    with torch.device("meta"):  # shapes alone: a hostile file may ask for any width
        expected = build_model(config).state_dict()
    tensors = _read_tensors(file, expected)
    with torch.random.fork_rng(devices=[]):  # fresh weights are drawn, and loading is not chance
        model = build_model(config)
    model.load_state_dict(tensors, strict=True)
    return model.to(device).eval()


def load(
    name_or_path: str | PathLike[str],
    device: torch.device | str = "cpu",
    *,
    parser: Parser | None = None,
    pose_encoder: PoseEncoder | None = None,
) -> FaceletModel:
    """A shipped model by name, or one from a file, with the frozen networks attached to it.

    Raises:
        CheckpointError: There is no such model, or its file is damaged.
    """
    return load_model(find_weights(name_or_path), device).attach(parser, pose_encoder)


def find_weights(name_or_path: str | PathLike[str]) -> Path:
    """The file of a shipped model, or the path itself if it is one."""
    path = Path(name_or_path)
    shipped = shipped_models()
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    if not is_file(path):
        raise CheckpointError(
            f"{path}: there is no such model. Expected the path of a {_SUFFIX} file or a shipped "
            f"name ({', '.join(shipped) or 'none in this installation'}). Check the spelling."
        )
    return path


def shipped_models() -> dict[str, Path]:
    """Files of the models that come with the package, by name."""
    folder = Path(str(resources.files("reenact"))) / "weights"
    files = sorted(folder.glob(f"reenact-*{_SUFFIX}"))
    return {file.name.removesuffix(_SUFFIX): file for file in files}


def read_info(path: str | PathLike[str]) -> CheckpointInfo:
    """Read what a model file says about itself, without its weights.

    Raises:
        CheckpointError: The file is missing, damaged, or no model of this family.
    """
    file = Path(path)
    with _open(file) as opened:
        metadata = opened.metadata() or {}
    found = metadata.get("format")
    if found != FORMAT:
        raise CheckpointError(
            f"{file}: its format is {found!r}, expected {FORMAT!r}. "
            "Use a model file that this version of reenact wrote."
        )
    try:
        settings = json.loads(metadata.get("config", ""))
        record = json.loads(metadata.get("record", "{}"))
        config = from_settings(ModelConfig, settings, origin=f"{file} (its config)")
    except ConfigError as error:
        raise CheckpointError(f"{error} {_FETCH_AGAIN}") from None
    except (ValueError, RecursionError):
        raise CheckpointError(
            f"{file}: its config is damaged, expected JSON in the metadata. {_FETCH_AGAIN}"
        ) from None
    return CheckpointInfo(config, record if isinstance(record, dict) else {})


def weights_hash(model: torch.nn.Module) -> str:
    """SHA-256 over all tensors of a model with their names; equal weights, equal hash."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.view(-1).view(torch.uint8).numpy().data if values.numel() else b"")
    return digest.hexdigest()


def _rounded(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.ndim > 1 else tensor


def _open(file: Path) -> Any:
    if not is_file(file):
        raise CheckpointError(
            f"{file}: there is no such file. Expected a {_SUFFIX} model file. Check the path."
        )
    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{file}: cannot be read ({error}), expected a {_SUFFIX} model file. {_FETCH_AGAIN}"
        ) from None


def _read_tensors(file: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All tensors of a file, once names, shapes and types are known to fit."""
    with _open(file) as opened:
        _check_names(file, set(opened.keys()), set(expected))
        tensors = {}
        for name, like in expected.items():
            shape = tuple(opened.get_slice(name).get_shape())
            if shape != tuple(like.shape):
                raise CheckpointError(
                    f"{file}: '{name}' has shape {shape}, expected {tuple(like.shape)} by the "
                    f"file's own config. {_FETCH_AGAIN}"
                )
            tensors[name] = _checked(file, name, opened.get_tensor(name), like)
    return tensors


def _check_names(file: Path, found: set[str], expected: set[str]) -> None:
    missing, unknown = sorted(expected - found), sorted(found - expected)
    if missing or unknown:
        what = f"lacks '{missing[0]}'" if missing else f"holds the unknown '{unknown[0]}'"
        raise CheckpointError(
            f"{file}: {what} ({len(missing)} missing, {len(unknown)} unknown in all), expected the "
            f"{len(expected)} tensors of its own config. {_FETCH_AGAIN}"
        )


def _checked(file: Path, name: str, tensor: Tensor, like: Tensor) -> Tensor:
    """The tensor in the type of the model, if it is of a kind that the model could have written."""
    if tensor.is_floating_point() != like.is_floating_point() or tensor.is_complex():
        raise CheckpointError(
            f"{file}: '{name}' holds {tensor.dtype}, expected {like.dtype}. {_FETCH_AGAIN}"
        )
    if not bool(torch.isfinite(tensor).all()):
        raise CheckpointError(
            f"{file}: '{name}' holds numbers that are not finite, expected weights. {_FETCH_AGAIN}"
        )
    return tensor.to(like.dtype)
