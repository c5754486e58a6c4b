"""What a model's file says about the people that its training saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reenact.data.clips import validation_identities


@dataclass(frozen=True)
class History:
    """Where a model was trained, and without whom."""

    name: str
    """What tables call the model."""
    roots: frozenset[Path]
    """Folders of its training clips; empty where it does not say."""
    held_out: frozenset[str]
    """People of these folders whom its training never saw."""

    def knows(self, root: Path, people: frozenset[str]) -> bool:
        """Whether a folder with clips of these people is one of its own, perhaps moved."""
        moved = bool(self.held_out) and self.held_out <= people
        return bool(self.roots) and (root.resolve() in self.roots or moved)


def read_history(name: str, record: Mapping[str, Any]) -> History:
    """The history in a checkpoint's record; the record may hold anything."""
    data = _mapping(_mapping(record.get("training")).get("data"))
    held_out = _texts(record.get("held_out")) or _texts(data.get("held_out"))
    roots = frozenset(map(Path, _texts(data.get("roots"))))
    return History(name, roots, frozenset(held_out) or validation_identities())


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list | tuple) else ()
    return tuple(text for text in found if isinstance(text, str))
