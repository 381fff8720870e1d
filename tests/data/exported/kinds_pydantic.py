"""Most kinds of fields that pydantic has."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import AnyUrl, BaseModel, ConfigDict, Field, Json, RootModel, SecretStr, StrictInt, computed_field
from typing_extensions import TypedDict

T = TypeVar("T")


class Colour(IntEnum):
    RED = 1
    GREEN = 2


class Mixed(Enum):
    ONE = 1
    TWO = "two"


@dataclass
class Point:
    x: float
    y: float = 0


class Pair(NamedTuple):
    first: int
    second: str = "b"


class Place(TypedDict, total=False):
    name: str
    at: tuple[float, float]


class Page(BaseModel, Generic[T]):
    items: list[T]
    total: int = Field(ge=0)


class Names(RootModel[dict[str, list[str]]]):
    """Names by language."""


class Kinds(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    identity: UUID = Field(alias="id")
    day: date
    at: datetime
    hour: time
    span: timedelta
    price: Decimal = Field(max_digits=8, decimal_places=2)
    data: bytes
    ip: IPv4Address
    link: AnyUrl
    path: Path
    secret: SecretStr
    text: Json[list[int]]
    colour: Colour
    mixed: Mixed
    points: list[Point] = Field(min_length=1, max_length=9)
    pair: Pair
    place: Place
    page: Page[int]
    pages: dict[str, Page[str]]
    names: Names
    unique: set[int]
    frozen: frozenset[str] = frozenset()
    many: tuple[int, ...] = ()
    number: StrictInt | float | str = 3
    anything: Any = None
    object_: object = Field(default=None, alias="object")
    small: Annotated[int, Field(gt=0, lt=10, multiple_of=3)]
    word: Literal["a", 1, None, True]  # noqa: PYI061 - a literal of null is a kind as well
    old: str = Field(default="x", deprecated="use new", examples=["a", "b"])
    extra: dict[int, bool] = {}

    @computed_field  # type: ignore[prop-decorator] # as pydantic's own guide writes it
    @property
    def label(self) -> str:
        return "label"
