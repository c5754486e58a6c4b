"""Damage and malice: changes to the bytes of a file."""

from __future__ import annotations

import random

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**64 - 1)
"""Numbers at which counts and sizes go wrong."""
LONGEST = 200
"""Bytes of a stretch that is changed at once, at most."""
HEAD = 512
"""Bytes at the beginning in which a change is as likely as in the whole rest."""


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One change or two, in the header as often as behind it."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2])):
        chance.choice(CHANGES)(changed, chance)
    return bytes(changed)


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 3, 20])):
        if data:
            data[_place(data, chance)] = chance.randrange(256)


def _cut_off(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _take_out(data: bytearray, chance: random.Random) -> None:
    begin = _place(data, chance)
    del data[begin : begin + chance.randint(1, LONGEST)]


def _blank(data: bytearray, chance: random.Random) -> None:
    begin = _place(data, chance)
    stretch = data[begin : begin + chance.randint(1, LONGEST)]
    data[begin : begin + len(stretch)] = bytes(len(stretch))


def _double(data: bytearray, chance: random.Random) -> None:
    begin = _place(data, chance)
    data[begin:begin] = data[begin : begin + chance.randint(1, LONGEST)]


def _exaggerate(data: bytearray, chance: random.Random) -> None:
    """Put an extreme number where a count or a size may be."""
    width = chance.choice([1, 2, 4, 8])
    number = chance.choice(EXTREMES) % 2 ** (8 * width)
    begin = _place(data, chance)
    data[begin : begin + width] = number.to_bytes(width, chance.choice(["big", "little"]))


def _move(data: bytearray, chance: random.Random) -> None:
    begin, length = _place(data, chance), chance.randint(1, LONGEST)
    stretch = data[begin : begin + length]
    del data[begin : begin + length]
    place = _place(data, chance)
    data[place:place] = stretch


def _place(data: bytearray, chance: random.Random) -> int:
    if not data:
        return 0
    end = min(HEAD, len(data)) if chance.random() < 0.5 else len(data)
    return chance.randrange(end)


CHANGES = (_flip, _cut_off, _take_out, _blank, _double, _exaggerate, _move)
