"""What is wrong with a LOBSTER file, and on which line: the slow look at a file that failed a fast check."""

from __future__ import annotations

import re
from collections.abc import Callable

from basalt.core.errors import CorruptInput
from basalt.feeds.lobster.finding import NativeFile

MESSAGE_FIELDS = 6
EMPTY_PRICE = 9_999_999_999
TIME = re.compile(r"\d{1,5}(\.\d{1,12})?")
LINE_HINT = "fetch the file again, or remove the line from both files of the pair"

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_SIDES = {-1, 1}


def first_fault(file: NativeFile, fault_of: Callable[[list[str]], str | None], otherwise: str) -> CorruptInput:
    """The error for the first line that *fault_of* complains about.

    Args:
        fault_of: From the fields of a line to what is wrong with them, or None.
        otherwise: What to say when no line is to blame.
    """
    for number, line in enumerate(file.lines(), start=1):
        fault = fault_of(line.split(","))
        if fault:
            return CorruptInput(fault, where=f"{file}, line {number}", hint=LINE_HINT)
    return CorruptInput(otherwise, where=str(file), hint="fetch the file again")


def message_fault(fields: list[str]) -> str | None:
    """What is wrong with a line of a message file, or None."""
    if len(fields) != MESSAGE_FIELDS:
        return f"{len(fields)} fields where a message has {MESSAGE_FIELDS}"
    if not TIME.fullmatch(fields[0]):
        return f"{fields[0]!r} is not a time in seconds after midnight"
    if float(fields[0]) >= 86_400:
        return f"{fields[0]} s after midnight is on another day"
    numbers = [_integer(field) for field in fields[1:]]
    for field, number in zip(fields[1:], numbers, strict=True):
        if number is None:
            return f"{field!r} is not an integer"
    return _meaning_fault(*(number for number in numbers if number is not None))


def _meaning_fault(kind: int, order: int, size: int, price: int, direction: int) -> str | None:
    if not 1 <= kind <= 7:
        return f"unknown message type {kind}"
    if kind == 7:
        return None if price in {-1, 0, 1} else f"a halt message with price {price}, not -1, 0 or 1"
    if kind <= 4 and order <= 0:
        return f"a message of type {kind} with the order id {order}"
    least = 0 if kind == 6 else 1
    if size < least or price < least:
        return f"a message of type {kind} with size {size} and price {price}"
    if direction not in _SIDES and kind != 6:
        return f"a direction of {direction}, not -1 or 1"
    return None


def book_fault(levels: int) -> Callable[[list[str]], str | None]:
    """What is wrong with a line of an orderbook file of *levels*, or None."""

    def fault(fields: list[str]) -> str | None:
        if len(fields) != 4 * levels:
            return f"{len(fields)} fields where a book of {levels} levels has {4 * levels}"
        for field in fields:
            if _integer(field) is None:
                return f"{field!r} is not an integer"
        return _level_fault([int(field) for field in fields])

    return fault


def _level_fault(numbers: list[int]) -> str | None:
    for price, size in zip(numbers[::2], numbers[1::2], strict=True):
        if size < 0:
            return f"a size of {size}"
        if price <= 0 and price != -EMPTY_PRICE:
            return f"a price of {price}"
    return None


def _integer(field: str) -> int | None:
    return int(field) if _INTEGER.fullmatch(field.strip(" ")) else None
