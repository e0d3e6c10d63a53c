"""What the headers of record batches say. Stands in for the core's until it has it."""

from __future__ import annotations


def scan_batches(data: memoryview) -> tuple[int, int | None, int, bool]:
    """Complete bytes, next offset, records at most, whether the format is known."""
    at, following, records = 0, None, 0
    while len(data) - at >= 61:
        length = int.from_bytes(data[at + 8 : at + 12], "big", signed=True)
        if at + 12 + length > len(data):
            break
        if length < 49 or data[at + 16] != 2:
            return (len(data), following, records, True) if data[at + 16] >= 2 else (at, following, records, False)
        last = int.from_bytes(data[at : at + 8], "big") + int.from_bytes(data[at + 23 : at + 27], "big")
        following = last + 1
        records += int.from_bytes(data[at + 57 : at + 61], "big")
        at += 12 + length
    return at, following, records, True
