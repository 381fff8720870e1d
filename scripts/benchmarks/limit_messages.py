"""The limit of messages: bare msgspec, and the standard library's SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from operator import attrgetter

import msgspec

from scripts.benchmarks.generated import BARE, folder_of_bare_classes
from scripts.benchmarks.imports import imported
from scripts.benchmarks.watch import AT_ONCE, Watch, shares


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="@type", tag="Message"):
    """The base class of messages: a frozen Struct with a tag. JSON has no defaults in it, as that of ours."""

    text: str | None = None


class Customer(Message, frozen=True, kw_only=True, tag="Customer"):
    """A part of an order."""

    email: str


class Address(Message, frozen=True, kw_only=True, tag="Address"):
    """Another part of it."""

    city: str


class Order(Message, frozen=True, kw_only=True, tag="Order"):
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


class KeyedOrder(Order, frozen=True, dict=True, tag="Order"):
    """An order that keeps its key in a dict, which every other row does without."""


class KeyedCustomer(Customer, frozen=True, dict=True, tag="Customer"):
    """A customer that keeps its key."""


class KeyedAddress(Address, frozen=True, dict=True, tag="Address"):
    """An address that keeps its key."""


def keyed_order(number: int) -> KeyedOrder:
    """Return a message that keeps its key, of parts that keep theirs."""
    made = order(number)
    return KeyedOrder(
        text=made.text,
        number=number,
        price=made.price,
        tags=made.tags,
        customer=KeyedCustomer(text=made.customer.text, email=made.customer.email),
        address=KeyedAddress(text=made.address.text, city=made.address.city),
    )


def key_of(order: Order) -> str:
    """Return the SHA-256 of JSON with sorted names, in which messages are replaced by their own keys; keep the keys."""
    kept = _dict_of(order)
    if "key" not in kept:
        form: dict[str, object] = {
            "@type": "Order",
            "address": {"@key": _address_key(order.address)},
            "customer": {"@key": _customer_key(order.customer)},
            "number": order.number,
            "price": _number(order.price),
            "tags": order.tags,
            "text": order.text,
        }
        kept["key"] = _key(form)
    return kept["key"]


def _customer_key(part: Customer) -> str:
    kept = _dict_of(part)
    if "key" not in kept:
        kept["key"] = _key({"@type": "Customer", "email": part.email, "text": part.text})
    return kept["key"]


def _address_key(part: Address) -> str:
    kept = _dict_of(part)
    if "key" not in kept:
        kept["key"] = _key({"@type": "Address", "city": part.city, "text": part.text})
    return kept["key"]


_dict_of: Callable[[Message], dict[str, str]] = attrgetter("__dict__")  # `vars` takes twice the time


def _number(value: float) -> float:
    """Return a number that msgspec writes as RFC 8785 wants it."""
    if value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if not _SMALLEST <= abs(value) < _LARGEST:
        raise ValueError(f"{value} has another form in JavaScript")
    return value


_EXACT, _SMALLEST, _LARGEST = 1 << 53, 1e-4, 1e16


def _key(form: dict[str, object]) -> str:
    return hashlib.sha256(_encode(form)).hexdigest()


_encode = msgspec.json.Encoder().encode
_ENCODERS: dict[str, Callable[[object], bytes]] = {"json": _encode, "msgpack": msgspec.msgpack.Encoder().encode}
_DECODERS: dict[str, Callable[[bytes], Order]] = {
    "json": msgspec.json.Decoder(Order).decode,
    "msgpack": msgspec.msgpack.Decoder(Order).decode,
}
_UNION_DECODERS: dict[str, Callable[[bytes], Order | Customer | Address]] = {
    "json": msgspec.json.Decoder(Order | Customer | Address).decode,
    "msgpack": msgspec.msgpack.Decoder(Order | Customer | Address).decode,
}
_PLAIN_DECODERS: dict[str, Callable[[bytes], Customer]] = {
    "json": msgspec.json.Decoder(Customer).decode,
    "msgpack": msgspec.msgpack.Decoder(Customer).decode,
}


class CheckedCustomer(Customer, frozen=True, tag="Customer"):
    """A customer whose texts can be encoded."""

    def __post_init__(self) -> None:
        if self.text is not None and not self.text.isascii():
            self.text.encode()
        if not self.email.isascii():
            self.email.encode()


class CheckedAddress(Address, frozen=True, tag="Address"):
    """An address whose texts can be encoded."""

    def __post_init__(self) -> None:
        if self.text is not None and not self.text.isascii():
            self.text.encode()
        if not self.city.isascii():
            self.city.encode()


class CheckedOrder(Order, frozen=True, tag="Order"):
    """An order whose texts can be encoded."""

    def __post_init__(self) -> None:
        if self.text is not None and not self.text.isascii():
            self.text.encode()
        for tag in self.tags:
            if not tag.isascii():
                tag.encode()


def checked_order(number: int) -> Order:
    """Return such an order made of its fields."""
    return CheckedOrder(
        text="Two boxes of tea, please.",
        number=number,
        price=19.5,
        tags=("tea", "express"),
        customer=CheckedCustomer(text="Ada Lovelace", email="ada@example.com"),
        address=CheckedAddress(text="12 St James's Square", city="London"),
    )


async def create(watch: Watch, n: int, checked: bool = False) -> object:
    """Call the classes; those that check their texts if `checked`."""
    make = checked_order if checked else order
    with watch:
        orders = [make(number) for number in range(n)]
    return [each.number for each in orders]


async def hash_first(watch: Watch, n: int) -> object:
    """Compute the SHA-256 of three encoded dicts, and keep it."""
    orders = [keyed_order(number) for number in range(n)]
    with watch:
        return [key_of(each)[:40] for each in orders]


async def encode_messages(
    watch: Watch,
    n: int,
    format: str,
    by: str = "",  # noqa: ARG001  # msgspec has one way
) -> object:
    """Encode messages by a method of an existing encoder."""
    orders = [order(number) for number in range(min(n, AT_ONCE))]
    encode = _ENCODERS[format]
    encoded: list[bytes] = []
    with watch:
        for share in shares(orders, n):
            encoded = [encode(each) for each in share]
    return [each.hex() for each in encoded]


async def decode_messages(
    watch: Watch,
    n: int,
    format: str,
    by: str = "",  # noqa: ARG001  # msgspec has one way
    union: bool = False,
) -> object:
    """Decode messages by a method of an existing decoder."""
    encoded = [_ENCODERS[format](order(number)) for number in range(min(n, AT_ONCE))]
    decode: Callable[[bytes], Message] = (_UNION_DECODERS if union else _DECODERS)[format]
    orders: list[Message] = []
    with watch:
        for share in shares(encoded, n):
            orders = [decode(each) for each in share]
    return [each.number for each in orders if isinstance(each, Order)]


async def encode_plain(watch: Watch, n: int, format: str) -> object:
    """Encode messages of strings by a method of an existing encoder."""
    customers = [customer(number) for number in range(min(n, AT_ONCE))]
    encode = _ENCODERS[format]
    encoded: list[bytes] = []
    with watch:
        for share in shares(customers, n):
            encoded = [encode(each) for each in share]
    return [each.hex() for each in encoded]


async def decode_plain(watch: Watch, n: int, format: str) -> object:
    """Decode messages of strings by a method of an existing decoder."""
    encoded = [_ENCODERS[format](customer(number)) for number in range(min(n, AT_ONCE))]
    decode = _PLAIN_DECODERS[format]
    customers: list[Customer] = []
    with watch:
        for share in shares(encoded, n):
            customers = [decode(each) for each in share]
    return [each.email for each in customers]


async def memory_of_messages(watch: Watch, n: int) -> object:
    """Keep Structs and their parts."""
    with watch.memory():
        orders = [order(number) for number in range(n)]
    return len(orders)


async def import_time(watch: Watch, n: int) -> object:
    """Import the modules that the library needs as well."""
    imported(
        watch, n, "import asyncio, contextvars, hashlib, inspect, logging, re, weakref, msgspec, typing_extensions"
    )
    return None


async def import_classes(watch: Watch, n: int) -> object:
    """Import a module of bare Structs."""
    imported(watch, n, f"import {BARE}", before="import msgspec", folder=folder_of_bare_classes())
    return None
