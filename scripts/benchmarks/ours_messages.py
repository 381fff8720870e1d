"""This library's messages, their keys and the codec."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from miniagents import Codec, Message, decode, encode
from scripts.benchmarks.generated import folder_of_classes
from scripts.benchmarks.imports import imported
from scripts.benchmarks.watch import AT_ONCE, Watch, shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import Format

T = TypeVar("T")


class Customer(Message, kw_only=True):
    """A part of an order."""

    email: str


class Address(Message, kw_only=True):
    """Another part of it."""

    city: str


class Order(Message, kw_only=True):
    """A message of six fields, two of which are messages."""

    number: int
    price: float
    tags: tuple[str, ...]
    customer: Customer
    address: Address


def order(number: int) -> Order:
    """Return a message made of its fields."""
    return Order(
        text="Two boxes of tea, please.",
        number=number,
        price=19.5,
        tags=("tea", "express"),
        customer=Customer(text="Ada Lovelace", email="ada@example.com"),
        address=Address(text="12 St James's Square", city="London"),
    )


def customer(number: int) -> Customer:
    """Return a message of two strings."""
    return Customer(text="Ada Lovelace", email=f"ada{number}@example.com")


async def create(
    watch: Watch,
    n: int,
    checked: bool = False,  # noqa: ARG001  # texts are always checked
) -> object:
    """Call the classes."""
    with watch:
        orders = [order(number) for number in range(n)]
    return [each.number for each in orders]


async def hash_first(watch: Watch, n: int) -> object:
    """Ask messages for their keys for the first time."""
    orders = [order(number) for number in range(n)]
    with watch:
        return [each.hash_key for each in orders]


async def encode_messages(watch: Watch, n: int, format: Format, by: str = "") -> object:
    """Encode messages by the function of the library, or by a method of an existing codec."""
    orders = [order(number) for number in range(min(n, AT_ONCE))]
    return encode_shares(watch, orders, n, Codec(Order, format), by=by)


def encode_shares(
    watch: Watch,
    values: list[T],
    n: int,
    codec: Codec[T],
    *,
    encode: Callable[..., bytes] = encode,
    by: str = "",
) -> list[str]:
    """Encode values, `n` in all, by a function in the format of a codec, or by the method of the codec."""
    name = codec.format  # reading it for each value would be measured
    encoded: list[bytes] = []
    with watch:
        for share in shares(values, n):
            if by == "codec":
                encoded = [codec.encode(each) for each in share]
            elif name == "json":  # as users write it
                encoded = [encode(each) for each in share]
            else:
                encoded = [encode(each, name) for each in share]
    return [each.hex() for each in encoded]


async def decode_messages(watch: Watch, n: int, format: Format, by: str = "", union: bool = False) -> object:
    """Decode messages by the function of the library, or by a method of an existing codec."""
    encoded = [encode(order(number), format) for number in range(min(n, AT_ONCE))]
    codec = Codec(Order | Customer | Address, format) if union else Codec(Order, format)
    orders: list[Order | Customer | Address] = []
    with watch:
        for share in shares(encoded, n):
            if by == "codec":
                orders = [codec.decode(each) for each in share]
            elif union:
                orders = [decode(each, Order | Customer | Address, format) for each in share]
            elif format == "json":  # as users write it
                orders = [decode(each, Order) for each in share]
            else:
                orders = [decode(each, Order, format) for each in share]
    return [each.number for each in orders if isinstance(each, Order)]


async def encode_plain(watch: Watch, n: int, format: Format) -> object:
    """Encode messages of strings by a codec; nothing in them has to be checked."""
    customers = [customer(number) for number in range(min(n, AT_ONCE))]
    return encode_shares(watch, customers, n, Codec(Customer, format), by="codec")


async def decode_plain(watch: Watch, n: int, format: Format) -> object:
    """Decode messages of strings by a codec; nothing in them has to be frozen."""
    encoded = [encode(customer(number), format) for number in range(min(n, AT_ONCE))]
    codec = Codec(Customer, format)
    customers: list[Customer] = []
    with watch:
        for share in shares(encoded, n):
            customers = [codec.decode(each) for each in share]
    return [each.email for each in customers]


async def memory_of_messages(watch: Watch, n: int) -> object:
    """Keep messages and their parts."""
    with watch.memory():
        orders = [order(number) for number in range(n)]
    return len(orders)


async def import_time(watch: Watch, n: int) -> object:
    """Import the package with everything that users import from it."""
    imported(watch, n, "import miniagents")
    return None


async def import_classes(watch: Watch, n: int) -> object:
    """Import a generated module."""
    imported(watch, n, "import generated_classes", before="import miniagents", folder=folder_of_classes())
    return None
