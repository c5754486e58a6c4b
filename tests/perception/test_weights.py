import hashlib
from pathlib import Path

import pytest

from reenact.errors import WeightsError
from reenact.perception import weights
from reenact.perception.weights import (
    Tier,
    WeightsFile,
    catalogue,
    check_policy,
    fetch,
    files_of,
    find_weights,
)

CONTENT = b"numbers"


def make_entry(**changes: object) -> WeightsFile:
    entry: dict[str, object] = {
        "name": "net/net.bin",
        "job": "a test",
        "licence": "MIT",
        "tier": Tier.PERMISSIVE,
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "origin": "somebody/net",
        "addresses": ("https://first.example/net", "https://second.example/net"),
    }
    return WeightsFile(**(entry | changes))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REENACT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(weights, "catalogue", lambda: (make_entry(),))
    (tmp_path / "net").mkdir()
    return tmp_path


def second_address_answers(address: str, target: Path) -> None:
    if "first" in address:
        raise ConnectionError("nobody there")
    target.write_bytes(CONTENT)


def test_every_entry_can_be_had_or_says_what_it_was_made_from() -> None:
    names = {entry.name for entry in catalogue()}
    assert len(names) == len(catalogue())
    for entry in catalogue():
        assert len(entry.sha256) >= 8
        assert entry.origin
        assert {*entry.made_from} <= names
        assert all(address.startswith("https://") for address in entry.addresses)


def test_research_weights_need_to_be_accepted() -> None:
    entry = make_entry(tier=Tier.RESEARCH, licence="look, don't sell")
    check_policy(entry, Tier.RESEARCH)
    with pytest.raises(WeightsError, match=r"look, don't sell.*--license-policy research"):
        check_policy(entry, Tier.PERMISSIVE)


def test_a_file_in_the_named_folder_is_found(folder: Path) -> None:
    (folder / "net/net.bin").write_bytes(CONTENT)
    assert find_weights("net/net.bin") == folder / "net/net.bin"


def test_a_missing_file_names_licence_and_command(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"net\.bin.*MIT.*reenact weights fetch net"):
        find_weights("net/net.bin")


def test_another_file_by_that_name_is_set_aside(folder: Path) -> None:
    path = folder / "net/net.bin"
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"set aside as net\.bin\.wrong"):
        find_weights("net/net.bin")
    assert [file.name for file in path.parent.iterdir()] == ["net.bin.wrong"]


def test_a_prefix_of_the_hash_is_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = make_entry(sha256=hashlib.sha256(CONTENT).hexdigest()[:8])
    monkeypatch.setattr(weights, "catalogue", lambda: (entry,))
    (folder / "net/net.bin").write_bytes(CONTENT)
    find_weights("net/net.bin")


def test_addresses_are_tried_in_order(folder: Path) -> None:
    assert fetch("net", folder=folder, download=second_address_answers) == [folder / "net/net.bin"]
    assert find_weights("net/net.bin").read_bytes() == CONTENT


def test_a_download_that_breaks_off_leaves_nothing(folder: Path) -> None:
    def break_off(address: str, target: Path) -> None:
        target.write_bytes(CONTENT[:3])
        raise ConnectionError("gone")

    with pytest.raises(WeightsError, match=r"gone.*Put it there yourself"):
        fetch("net", folder=folder, download=break_off)
    assert list((folder / "net").iterdir()) == []


def test_an_unknown_network_names_the_known_ones(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"ent: no such network, expected one of net"):
        files_of("ent")


@pytest.mark.weights
def test_the_converted_file_is_made_from_the_published_ones(tmp_path: Path) -> None:
    """Bit by bit what the catalogue promises."""

    def from_the_folder(address: str, target: Path) -> None:
        name = f"squeezenet_v1_1/{address.rpartition('/')[2]}"
        target.write_bytes(find_weights(name).read_bytes())

    assert len(fetch("squeezenet_v1_1", folder=tmp_path, download=from_the_folder)) == 3
