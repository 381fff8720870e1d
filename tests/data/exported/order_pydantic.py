"""What somebody buys, for pydantic."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Optional
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Closed):
    """Where a parcel goes."""

    street: str
    country: str = Field(min_length=2, max_length=2, description="Two letters, as in ISO 3166.")
    postcode: str | None = None


class Card(Closed):
    kind: Literal["card"]
    digits: str = Field(pattern="^[0-9]{4}$")


class Transfer(Closed):
    kind: Literal["transfer"]
    iban: str
    reference: str | None


class State(StrEnum):
    NEW = "new"
    PAID = "paid"
    SENT = "sent"


class Order(Closed):
    """What somebody buys."""

    id: UUID
    placed: datetime
    amount: int = Field(ge=1)
    state: State = State.NEW
    address: Address
    payment: Annotated[Card | Transfer, Field(discriminator="kind")]
    tags: dict[str, str]
    position: tuple[float, float] | None = None
    within: Optional["Order"] = Field(default=None, description="Of which this one is a part.")
