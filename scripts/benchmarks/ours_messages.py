"""This library's messages, their keys and the codec."""

from __future__ import annotations

from miniagents import Message, decode, encode
from scripts.benchmarks.imports import imported
from scripts.benchmarks.watch import Watch


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
    """A message, made of its fields."""
    return Order(
        text="Two boxes of tea, please.",
        number=number,
        price=19.5,
        tags=("tea", "express"),
        customer=Customer(text="Ada Lovelace", email="ada@example.com"),
        address=Address(text="12 St James's Square", city="London"),
    )


async def create(watch: Watch, n: int) -> object:
    """Calls of the classes."""
    with watch:
        orders = [order(number) for number in range(n)]
    return [each.number for each in orders]


async def hash_first(watch: Watch, n: int) -> object:
    """The keys of messages that nobody has asked before."""
    orders = [order(number) for number in range(n)]
    with watch:
        return [each.hash_key for each in orders]


async def encode_json(watch: Watch, n: int) -> object:
    """The function of the codec."""
    orders = [order(number) for number in range(n)]
    with watch:
        encoded = [encode(each) for each in orders]
    return [each.decode() for each in encoded]


async def decode_json(watch: Watch, n: int, union: bool = False) -> object:
    """The function of the codec."""
    encoded = [encode(order(number)) for number in range(n)]
    with watch:
        if union:
            orders = [decode(each, Order | Customer | Address) for each in encoded]
        else:
            orders = [decode(each, Order) for each in encoded]
    return [each.number for each in orders if isinstance(each, Order)]


async def memory_of_messages(watch: Watch, n: int) -> object:
    """Messages and what is in them."""
    with watch.memory():
        orders = [order(number) for number in range(n)]
    return len(orders)


async def import_time(watch: Watch, n: int) -> object:
    """The package with all that a user imports of it."""
    imported(watch, n, "import miniagents")
    return None
