"""Traces: which calls a program made, and how long they took."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, Self

from miniagents._replacing import replace, target_of
from miniagents.agents.agents_context import MiniAgents
from miniagents.calls.spending import agent_of, cost_of, spends, usage_of
from miniagents.picturing.pacing import Pace
from miniagents.promising import ContextStateError, NoActiveContextError
from miniagents.promising.core.notes import said
from miniagents.promising.core.presenting import number_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from miniagents.calls import Call, Proceed
    from miniagents.calls.spending import Price
    from miniagents.messages import CallRecord, Message, MessageType, Usage

__all__ = ["Trace", "TracedRun", "trace"]


class TracedRun:
    """The calls that a trace has seen, in the order in which they began; `str()` gives them as a tree with times.

    Attributes:
        calls: The calls.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._paces: list[Pace] = []

    @property
    def records(self) -> tuple[CallRecord, ...]:
        """The records of the calls as they stand now."""
        return tuple(call.record() for call in self.calls)

    @property
    def usage(self) -> Usage | None:
        """What all requests to models have used by now; None if no answer has said it."""
        replies = (call.complete_replies for call in self.calls if spends(call))
        return usage_of(chain.from_iterable(replies))

    def usage_by(self, what: Literal["agent", "model"], /) -> dict[str, Usage]:
        """Return what requests to models have used by now, for each name of an agent or model that has used something.

        Args:
            what: Whose the usage is: the agent's that made the request, itself or by its tools, or the model's.
        """
        spent: dict[str, Usage] = {}
        for call in self.calls:
            usage = usage_of(call.complete_replies) if spends(call) else None
            if usage is not None:
                name = call.name if what == "model" else agent_of(call)
                spent[name] = spent[name] + usage if name in spent else usage
        return spent

    def cost(self, prices: Mapping[str, Price], /) -> float:
        """Return what all requests to models have cost by now.

        Args:
            prices: The prices of the models, by their names.

        Raises:
            ValueError: A model that has used something has no price.
        """
        return sum(cost_of(model, usage, prices) for model, usage in self.usage_by("model").items())

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the picture of the calls as they stand now: one HTML file that needs nothing else.

        It has a lane for each call, with a tick for each piece of the replies. A click on a call shows its arguments,
        messages, replies and error. Whoever has the file can read them.

        Raises:
            OSError: The file cannot be written; an older one is unchanged.
        """
        replace(target_of(path), self._page().encode(), is_durable=False)

    def __repr__(self) -> str:
        return f"<TracedRun {number_of(len(self.calls), 'call')}>"

    def _repr_html_(self) -> str:
        from miniagents.picturing.page import html_frame  # noqa: PLC0415 - few programs draw

        return html_frame(self._page())

    def __str__(self) -> str:
        return "\n".join(self._lines())

    # --- machinery ---

    def _saw(self, call: Call) -> None:
        self.calls.append(call)
        self._paces.append(Pace(call.replies, call._progress.now))

    def _page(self) -> str:
        from miniagents.picturing.drawn_calls import drawn  # noqa: PLC0415  # few programs draw
        from miniagents.picturing.page import html_page  # noqa: PLC0415  # as above

        runs = {call.run.id for call in self.calls}
        title = f"Run {runs.pop()}" if len(runs) == 1 else "Trace"
        return html_page(map(drawn, self.calls, self._paces), title)

    def _lines(self) -> Iterator[str]:
        numbers = {call.number for call in self.calls}
        children: dict[int, list[Call]] = {}
        for call in self.calls:
            parent = call.parent.number if call.parent is not None and call.parent.number in numbers else 0
            children.setdefault(parent, []).append(call)
        start = min((call.began for call in self.calls if call.began is not None), default=0.0)
        # a stack of its own: calls may be nested deeper than Python's
        waiting = [(call, "", "", "") for call in reversed(children.get(0, []))]
        while waiting:
            call, above, branch, trunk = waiting.pop()
            yield f"{above}{branch}{_line(call, start)}"
            below = children.get(call.number, [])
            for place, each in reversed(list(enumerate(below))):
                is_last = place == len(below) - 1
                waiting.append((each, above + trunk, "└─ " if is_last else "├─ ", "   " if is_last else "│  "))


class Trace:
    """A block of a program whose calls are traced; `trace()` makes it.

    Attributes:
        run: The calls.
    """

    _instead_of_calling: Final = "write `async with trace() as traced:`, which has its handler in place"  # for errors

    def __init__(self) -> None:
        self.run: TracedRun = TracedRun()
        self._context: MiniAgents | None = None

    async def __aenter__(self) -> Self:
        if self._context is not None:
            raise ContextStateError("this trace serves one `async with` only: write `async with trace() as ...:`")
        try:
            outer = MiniAgents.current()
        except NoActiveContextError:
            self._context = MiniAgents(around_calls=self._see)
        else:
            self._context = MiniAgents(
                start_asap=outer.start_asap,
                errors_as_messages=outer.errors_as_messages,
                longer_hash_keys=outer.longer_hash_keys,
                strict=outer.strict,
                shutdown_timeout=outer.shutdown_timeout,
                around_calls=self._see,
            )
        await self._context.__aenter__()
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._context is not None:
            await self._context.__aexit__(error_type, error, traceback)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the picture of the calls as they stand now; see `TracedRun.write`.

        Raises:
            OSError: The file cannot be written; an older one is unchanged.
        """
        self.run.write(path)

    def __repr__(self) -> str:
        return f"<Trace {number_of(len(self.run.calls), 'call')}>"

    def _repr_html_(self) -> str:
        return self.run._repr_html_()

    # --- machinery ---

    async def _see(self, call: Call, proceed: Proceed) -> MessageType[Message] | None:
        self.run._saw(call)
        return proceed()


def trace() -> Trace:
    """Trace all calls in a block: which agent called which agent, tool or model, when, for how long, and how it ended.

    The block has a context of its own, so leaving it waits for all its agents. A context around it need not be there;
    if there is one, its options and handlers hold inside as well. The trace keeps the calls with their messages and
    replies until it is dropped.

    >>> @miniagent
    ... async def greeter(ctx: InteractionContext) -> None:
    ...     ctx.reply(scripted_agent("Hello", alias="writer").inquire(ctx.messages))
    >>> async def main() -> None:
    ...     async with trace() as traced:
    ...         await greeter.inquire()
    ...     print([(call.name, call.place, call.outcome) for call in traced.run.calls])
    >>> asyncio.run(main())
    [('greeter', (1,), 'done'), ('writer', (1, 1), 'done')]
    """
    return Trace()


def _line(call: Call, start: float) -> str:
    line = f"{call.kind} {call.name!r}"
    if call.began is None:
        return f"{line}: cancelled before it began"
    line += f": at {call.began - start:.3f} s"
    line += ", still running" if call.ended is None else f", for {call.ended - call.began:.3f} s"
    if call.first_piece is not None:
        line += f", first piece after {call.first_piece - call.began:.3f} s"
    if call.outcome == "cancelled":
        return f"{line}, cancelled"
    return line if call.error is None else f"{line}, failed: {said(call.error)}"
