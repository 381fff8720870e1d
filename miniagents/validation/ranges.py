"""Sets of characters, written as ranges of code points."""

from collections.abc import Iterator


class Ranges:
    """A set of characters.

    Args:
        text: Code points and ranges of them in hexadecimal digits, with spaces between.
    """

    def __init__(self, text: str) -> None:
        pairs = (each.partition("-") for each in text.split())
        self._ranges = [range(int(first, 16), int(last or first, 16) + 1) for first, _, last in pairs]

    def __contains__(self, char: str) -> bool:
        return any(ord(char) in each for each in self._ranges)

    def codes(self) -> Iterator[int]:
        """Yield the code points."""
        for each in self._ranges:
            yield from each
