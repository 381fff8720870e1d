"""The mutations that `scripts/check --mutants` tries: wrong versions of the core, each of which a test must notice.

A mutation breaks one rule in the way in which an edit might break it: a check that is left out, a bound that is off by
one, a cancellation that is swallowed. The tests named are few, so that each mutation takes seconds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["MUTATIONS", "Mutation"]


class Mutation(NamedTuple):
    """A change that breaks a rule.

    Attributes:
        breaks: The rule, in a sentence that is false of the changed program.
        file: The file, below `miniagents/`.
        text: The text to replace, which stands there once.
        instead: Its replacement.
        tests: The tests that must notice, as arguments of pytest.
    """

    breaks: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]


def test_of(file: str, *names: str) -> tuple[str, ...]:
    """Return arguments for pytest: tests of one file below `tests/`."""
    return tuple(f"tests/{file}::{name}" for name in names)


_PROMISING: Final = (
    Mutation(
        "P3: cancelling one of the readers that wait for a piece leaves the others waiting",
        "promising/core/pieces.py",
        "                    if task.cancelling():\n                        self._leave()",
        "                    if True:\n                        self._leave()",
        test_of("promising/test_stream.py", "test_p3_a_reader_that_times_out_takes_nothing_from_the_others"),
    ),
    Mutation(
        "P3: a reader of pieces does not swallow its own cancellation",
        "promising/core/pieces.py",
        "not by `__del__`: a traceback may keep this object alive\n                        raise\n",
        "not by `__del__`: a traceback may keep this object alive\n",
        test_of("promising/test_stream.py", "test_p3_a_reader_that_times_out_takes_nothing_from_the_others"),
    ),
    Mutation(
        "P4: a reader of ready pieces gives the loop a turn after its share",
        "promising/core/pieces.py",
        "        elif self._share <= 0:\n            await take_turn()\n",
        "        elif self._share <= 0:\n",
        test_of(
            "promising/laws/test_starting_and_bounds.py", "test_p4_ready_pieces_however_many_leave_the_loop_responsive"
        ),
    ),
    Mutation(
        "P4: a producer that never waits gives the loop a turn after its share",
        "promising/core/pieces.py",
        "if not len(pieces) % FAIR_SHARE:",
        "if not pieces:",
        test_of(
            "promising/laws/test_starting_and_bounds.py", "test_p4_a_source_that_never_waits_leaves_the_loop_responsive"
        ),
    ),
    Mutation(
        "P5: awaiting the whole raises the first of several errors",
        "promising/core/pieces.py",
        "        if self.failure is None:\n            self.failure = failure\n        self.pieces",
        "        self.failure = failure\n        self.pieces",
        test_of("promising/test_stream.py", "test_p5_an_error_is_a_piece_and_the_whole_raises_the_first"),
    ),
    Mutation(
        "P8: a generator that is left half-way is closed",
        "promising/core/pieces.py",
        "            with Catching(self):\n                await aclose()",
        "            pass",
        test_of("promising/test_stream.py", "test_p8_a_half_read_lazy_bounded_generator_is_closed_at_the_end"),
    ),
    Mutation(
        "P9: a producer is not one piece further ahead than its bound",
        "promising/core/bounds.py",
        "len(self.pieces) + under_way - self._furthest >= self.max_ahead",
        "len(self.pieces) + under_way - self._furthest > self.max_ahead",
        test_of("promising/test_stream.py", "test_p9_a_producer_stays_within_its_bound_of_the_furthest_reader"),
    ),
    Mutation(
        "P3: cancelling one of the writers that wait for room leaves the others waiting",
        "promising/core/bounds.py",
        "await asyncio.shield(self.next_room())",
        "await self.next_room()",
        test_of("promising/test_appender.py", "test_p3_one_of_several_writers_can_be_cancelled_alone"),
    ),
    Mutation(
        "P3: cancelling one of the readers that wait for a value leaves the others waiting",
        "promising/core/production.py",
        "            if task.cancelling():\n                raise",
        "            raise",
        test_of("promising/test_promise.py", "test_p3_of_many_readers_that_wait_together_each_can_be_cancelled_alone"),
    ),
    Mutation(
        "P3: a task that waits after its cancellation can be cancelled again",
        "promising/core/production.py",
        "            wakeup = _following(wakeup)",
        "            pass",
        test_of("promising/test_promise.py", "test_p3_a_reader_that_shrugs_off_its_cancellation_can_read_on"),
    ),
    Mutation(
        "P3: lazy work belongs to the code that made it, not to the reader that starts it",
        "promising/core/working.py",
        "        self._birth = copy_context()",
        "        self._birth = None",
        test_of(
            "promising/test_promise.py",
            "test_p3_a_promise_that_read_a_lazy_one_first_does_not_take_it_along_when_cancelled",
        ),
    ),
    Mutation(
        "P7: what a promise started is cancelled with it",
        "promising/core/working.py",
        "                owner._started.add(self)",
        "                pass",
        test_of("promising/test_promise.py", "test_p7_cancelling_stops_the_producer_and_what_it_started_transitively"),
    ),
    Mutation(
        "P7: readers of work that was cancelled before its first step are told so",
        "promising/core/working.py",
        '            self._give_up(PromiseCancelledError(f"{self._origin()} was cancelled"))\n        elif',
        "            pass\n        elif",
        test_of(
            "promising/test_contexts.py", "test_p8_readers_of_work_that_was_cancelled_before_its_first_step_are_told_so"
        ),
    ),
    Mutation(
        "P10: cancelling a result leaves a source alone that somebody else reads",
        "promising/core/production.py",
        "                if source._is_used():",
        "                if False:",
        test_of("promising/laws/test_cancelling.py", "test_p3_a_source_that_somebody_else_reads_goes_on"),
    ),
    Mutation(
        "P14: the source of a result that has ended before it is cancelled when nobody holds it",
        "promising/core/working.py",
        "            self._let_go_of()",
        "            self._leave_sources()",
        test_of("promising/laws/test_letting_go.py", "test_p14_the_source_of_a_result_that_ends_early_is_cancelled"),
    ),
    Mutation(
        "P14: a source that somebody holds goes on",
        "promising/core/letting_go.py",
        "if any(held() is not None for held in self._holders):",
        "if False:",
        test_of("promising/laws/test_letting_go.py", "test_p14_a_stream_that_is_held_goes_on_when_its_reader_leaves"),
    ),
    Mutation(
        "P14: a message that an agent passes on is not held by the call that it comes from",
        "promising/core/letting_go.py",
        "            for started in parts:",
        "            for started in ():",
        test_of("agents/test_letting_go.py", "test_p14_a_message_that_is_passed_on_holds_no_call"),
    ),
    Mutation(
        "P14: a message that a combinator passes on is not held by its source",
        "promising/core/letting_go.py",
        "                if not parts.isdisjoint(promise._all_work())",
        "                if True",
        test_of("agents/test_letting_go.py", "test_p14_a_message_that_is_passed_on_holds_no_call"),
    ),
    Mutation(
        "P14: a message that is read at once lets its call go when it is complete",
        "promising/core/letting_go.py",
        "                pending._when_woken(self.look_soon)",
        "                pass",
        test_of("agents/test_letting_go.py", "test_p14_a_message_that_was_passed_on_and_is_held_arrives"),
    ),
    Mutation(
        "P14: a function that cancels the result leaves nothing behind the end",
        "promising/combinators/each.py",
        "                    if out.ended:  # the function itself may have cancelled the result",
        "                    if False:",
        test_of(
            "promising/laws/test_letting_go.py",
            "test_p14_a_function_that_cancels_the_result_leaves_nothing_behind_the_end",
        ),
    ),
    Mutation(
        "P1: the traceback of an error does not grow with its readers",
        "promising/core/failure.py",
        "raise error.with_traceback(self._traceback)",
        "raise error",
        test_of(
            "promising/test_promise.py",
            "test_p1_a_failed_promise_raises_the_same_exception_with_the_same_traceback_each_time",
        ),
    ),
    Mutation(
        "P1: the context of an error is that of its origin, not of a reader",
        "promising/core/failure.py",
        'BaseException.__setattr__(error, "__context__", self._context)',
        "pass",
        test_of(
            "promising/test_promise.py",
            "test_p1_the_context_of_the_exception_is_that_of_its_origin_and_not_of_a_reader",
        ),
    ),
    Mutation(
        "A3: an error that a sequence has taken over is not logged with the stream that it came from",
        "promising/core/failure.py",
        "failure.seen, self.seen = self.seen, True",
        "failure.seen = self.seen",
        test_of(
            "promising/test_contexts.py", "test_an_error_that_a_sequence_has_taken_over_is_owed_by_the_sequence_alone"
        ),
    ),
    Mutation(
        "A3: an error that was raised to a reader is not logged",
        "promising/core/failure.py",
        "error = count_as_read(self)",
        "error = self.error",
        test_of("promising/test_contexts.py", "test_an_error_that_is_read_anywhere_is_not_logged"),
    ),
    Mutation(
        "A3: a cancellation that nobody requested is logged",
        "promising/core/failure.py",
        " and _UNWISHED not in error.__dict__",
        "",
        test_of(
            "promising/core/test_errors_in_place.py",
            "test_a3_a_cancellation_that_nobody_wished_is_logged_where_nobody_reads_it",
        ),
    ),
    Mutation(
        "P8: work does not swallow the cancellation of its task",
        "promising/core/failure.py",
        "    return not going_on",
        "    return True",
        test_of("promising/test_contexts.py", "test_p8_a_task_whose_work_is_cancelled_ends_as_cancelled"),
    ),
    Mutation(
        "P7: promises that wait for each other are found",
        "promising/core/watch.py",
        "        if stuck_tasks(self._waits):\n",
        "        if False:\n",
        test_of("promising/core/test_deadlocks.py", "test_p7_a_promise_that_waits_for_itself"),
    ),
    Mutation(
        "P7: a stream that a sub-task writes to is in no circle",
        "promising/core/watch.py",
        "            writers = self.writers()\n",
        "            writers: Writers = defaultdict(list)\n",
        test_of(
            "promising/core/test_deadlocks.py",
            "test_p7_waiting_for_what_a_sub_task_will_put_into_ones_own_sequence_is_no_circle",
        ),
    ),
    Mutation(
        "P7: a circle is broken where it was closed, at the newest wait",
        "promising/core/watch.py",
        "closing_task = max(circle, key=order.__getitem__)",
        "closing_task = min(circle, key=order.__getitem__)",
        test_of("promising/core/test_deadlocks.py", "test_p7_a_circle_is_broken_where_it_was_closed"),
    ),
    Mutation(
        "P7: a task that has just been woken is not stuck",
        "promising/core/stuck.py",
        "(task.is_due if isinstance(task, Follower) else awaited._was_woken())",
        "(isinstance(task, Follower) and task.is_due)",
        test_of(
            "promising/core/test_deadlocks.py",
            "test_p7_a_reader_that_was_woken_and_has_not_had_its_turn_is_in_no_circle",
        ),
    ),
    Mutation(
        "P7: a task that also waits for a future which any code may resolve is in no circle",
        "promising/core/joins.py",
        "return tasks if len(tasks) == len(joined) else []",
        "return tasks",
        test_of("promising/core/test_deadlocks.py", "test_p7_waiting_for_somebody_outside_as_well_is_no_circle"),
    ),
    Mutation(
        "P1: a promise that was cancelled gets no value from work that ends later",
        "promising/promise.py",
        "        if self._value is PENDING and self._failure is None:\n            if failure is None:",
        "        if True:\n            if failure is None:",
        test_of("promising/test_promise.py", "test_p1_a_cancelled_promise_gets_no_value_from_work_that_ends_later"),
    ),
    Mutation(
        "P10: cancelling a result frees the promises that it is made of",
        "promising/promise.py",
        "    work._made_of(sources)  # first",
        "    pass  # first",
        test_of(
            "promising/combinators/test_combine_promises.py",
            "test_p10_cancelling_the_result_frees_the_sources_within_a_turn",
        ),
    ),
    Mutation(
        "P2: a lazy stream starts with its first reader",
        "promising/stream.py",
        "if self.context.start_asap if start_asap is DEFAULT else start_asap:",
        "if self.context.start_asap:",
        test_of("promising/test_stream.py", "test_p2_a_lazy_stream_starts_with_its_first_reader"),
    ),
    Mutation(
        "P2: a stream that is made of a lazy one is lazy",
        "promising/stream.py",
        "    if context.start_asap and not lazy and not any(source._is_lazy() for source in productions):",
        "    if context.start_asap and not lazy:",
        test_of(
            "promising/laws/test_starting_and_bounds.py",
            "test_p2_of_a_lazy_source_nothing_runs_before_the_result_is_read",
        ),
    ),
    Mutation(
        "P9: a stream that is made of bounded ones has the narrowest of their bounds",
        "promising/stream.py",
        "buffer.bound(min(bounds))",
        "buffer.bound(max(bounds))",
        test_of(
            "promising/combinators/test_combine_streams.py",
            "test_p9_the_result_is_as_bounded_as_the_narrowest_of_its_sources",
        ),
    ),
    Mutation(
        "P8: leaving a context by an error cancels its work",
        "promising/context.py",
        "if error is None and self._interruption is None:",
        "if True:",
        test_of("promising/test_contexts.py", "test_p8_leaving_by_an_error_cancels_the_work"),
    ),
    Mutation(
        "P8: a cancellation while a context cancels its work is not swallowed",
        "promising/core/ending.py",
        '        give_up_task(task, f"task {task.get_name()!r}", until, context.report)\n'
        "    if interrupted is not None:\n        raise interrupted\n",
        '        give_up_task(task, f"task {task.get_name()!r}", until, context.report)\n',
        test_of(
            "promising/test_contexts.py", "test_p8_a_cancellation_while_an_error_cancels_the_work_is_not_swallowed"
        ),
    ),
    Mutation(
        "A7: hooks of an outer context are not work of an inner one",
        "promising/core/hooks.py",
        "        context.spawn(",
        "        promise.context.spawn(",
        test_of(
            "agents/test_contexts_of_requests.py",
            "test_a7_hooks_of_the_outer_context_end_although_the_inner_one_cancels_its_work",
        ),
    ),
    Mutation(
        "P8: a warning that is an error does not keep the end from giving up other tasks",
        "promising/core/ending.py",
        "        report(warning)\n",
        "        raise warning\n",
        test_of("agents/test_warnings_as_errors.py", "test_p8_all_tasks_are_given_up_and_what_was_said_is_kept"),
    ),
    Mutation(
        "P8: resources are closed although a cancel scope cancels again and again",
        "agents/agents_context.py",
        "                    await despite_cancellations(self._last_of_all(impatient, warned))\n",
        "                    await self._last_of_all(impatient, warned)\n",
        test_of(
            "agents/test_closing_despite_cancellations.py",
            "test_p8_resources_are_closed_in_a_scope_that_cancels_again_at_each_turn",
        ),
    ),
    Mutation(
        "P12: contexts may be left in any order",
        "promising/core/places.py",
        '    while innermost is not None and innermost is not context and innermost._state == "closed":\n',
        "    while False:\n",
        test_of(
            "agents/test_contexts_of_requests.py",
            "test_p12_leaving_the_outer_context_first_ends_the_inner_one_and_leaves_none_active",
        ),
    ),
    Mutation(
        "P7: no circle is claimed after a search that was given up",
        "promising/core/holders.py",
        " or self._steps <= 0:\n",
        ":\n",
        test_of(
            "agents/test_held_replies.py",
            "test_p7_no_circle_is_claimed_if_the_search_takes_too_long_and_a_warning_tells_of_the_wait",
        ),
    ),
    Mutation(
        "P8: Ctrl+C in a promise reaches the program",
        "promising/context.py",
        "        if self._interruption is not None and error is not self._interruption:\n",
        "        if False:\n",
        test_of("promising/test_contexts.py", "test_p8_an_interrupt_in_a_promise_reaches_the_program"),
    ),
    Mutation(
        "A3: an error that is still held and was never read is logged when the context ends",
        "promising/context.py",
        "        for failure in tuple(self._failures):\n            failure.log_unseen()",
        "",
        test_of("promising/test_contexts.py", "test_an_error_that_is_still_held_is_logged_when_the_context_ends"),
    ),
    Mutation(
        "P7: an appender that is dropped ends its stream",
        "promising/appender.py",
        "        self._loop.call_soon_threadsafe(buffer.give_up, error)",
        "        del error",
        test_of("promising/test_appender.py", "test_p7_a_dropped_appender_ends_its_stream_with_an_error_that_names_it"),
    ),
    Mutation(
        "P6: a ready item waits for those that were put in before it",
        "promising/flattening.py",
        "if piece is not NotImplemented and self._queue is None:",
        "if piece is not NotImplemented:",
        test_of("promising/test_sequence.py", "test_p6_order_is_kept_however_the_parts_finish"),
    ),
    Mutation(
        "P6: a sequence does not end before what was put in out of order has appeared",
        "promising/flattening.py",
        "if self._closed and not self._on_their_way:",
        "if self._closed and self._queue is None:",
        test_of(
            "promising/test_sequence.py",
            "test_p6_what_is_ready_appears_at_once_and_what_is_out_of_order_as_soon_as_it_is_there",
        ),
    ),
    Mutation(
        "P4: forwarding ready parts gives the loop a turn",
        "promising/forwarding.py",
        "                since_turn = len(pieces)\n                await take_turn()\n",
        "                since_turn = len(pieces)\n",
        test_of("promising/test_sequence.py", "test_p4_a_million_ready_pieces_of_a_part_starve_nobody"),
    ),
)

_COMBINATORS: Final = (
    Mutation(
        "P5: `take` does not count errors",
        "promising/combinators/of_places.py",
        "left -= not isinstance(piece, Failure)",
        "left -= 1",
        test_of("promising/test_stream.py", "test_p5_combinators_keep_errors_in_their_places"),
    ),
    Mutation(
        "P10: no more calls run at once than may",
        "promising/combinators/calling.py",
        "self._out.ended) and self._under_way < self._limit",
        "self._out.ended) and self._under_way <= self._limit",
        test_of(
            "promising/combinators/test_then_pieces.py",
            "test_p10_a_slow_call_keeps_back_no_more_results_than_calls_may_run",
        ),
    ),
    Mutation(
        "P10: the losers of a race are cancelled",
        "promising/combinators/racing.py",
        "            source.cancel()",
        "            pass",
        test_of(
            "promising/combinators/test_combine_promises.py",
            "test_first_ok_takes_the_first_value_and_cancels_the_losers",
        ),
    ),
    Mutation(
        "P10: `gather` fails as soon as one of its promises does",
        "promising/combinators/gathering.py",
        "        failed = await first_done(sources, is_failed)\n",
        "        failed = None\n",
        test_of(
            "promising/combinators/test_combine_promises.py",
            "test_a3_an_error_that_comes_after_the_end_of_a_gather_is_not_lost",
        ),
    ),
    Mutation(
        "A3: `all_settled` has read the errors that it gives",
        "promising/combinators/gathering.py",
        "Err(count_as_read(failure))",
        "Err(failure.error)",
        test_of("promising/combinators/test_combine_promises.py", "test_all_settled_tells_how_each_promise_ended"),
    ),
    Mutation(
        "P9: merged streams wait for room",
        "promising/combinators/joining.py",
        "                        if out.bounded:\n                            await out.room()\n",
        "",
        test_of(
            "promising/combinators/test_combine_streams.py",
            "test_p9_the_result_is_as_bounded_as_the_narrowest_of_its_sources",
        ),
    ),
    Mutation(
        "P5: an error that is no `Exception` takes the place of the piece that a function was given",
        "promising/combinators/piped.py",
        "    except BaseException as error:\n        if ends_task(error, running_task()):\n            raise\n",
        "    except Exception as error:\n",
        test_of(
            "promising/laws/test_what_is_given.py",
            "test_p5_a_function_that_fails_leaves_its_error_in_the_place_of_the_piece",
        ),
    ),
)

_MESSAGES: Final = (
    Mutation(
        "M1: NaN and infinity are refused",
        "messages/values/freezing.py",
        "        if number - number != 0:\n",
        "        if False:\n",
        test_of("messages/values/test_freezing.py", "test_m1_nan_and_infinity_are_refused_with_their_path"),
    ),
    Mutation(
        "M5: a call notes a frozen field that holds another value than declared",
        "messages/values/finishing.py",
        "if declared is not None and not is_declared(value, declared):",
        "if declared is None:",
        test_of("messages/values/test_declared.py", "test_m5_nan_is_found_wherever_it_is_given"),
    ),
    Mutation(
        "M5: a call notes a field of scalars that holds a value of another class",
        "messages/values/finishing.py",
        "if type(value) not in kinds:\n            note(",
        "if type(value) in kinds:\n            note(",
        test_of("messages/values/test_declared.py", "test_m5_nan_is_found_wherever_it_is_given"),
    ),
    Mutation(
        "M5: a class is searched whose default is NaN, which decoding takes without a look",
        "messages/values/declared.py",
        "if not _is_harmless(given.get(name)):",
        "if given.get(name) is NotImplemented:",
        test_of("messages/values/test_declared.py", "test_m5_classes_whose_defaults_are_nan_are_searched"),
    ),
    Mutation(
        "M1: a call of a class freezes the fields that decoding freezes",
        "messages/values/finishing.py",
        "freezing_lines(given, names) if given else []",
        "[]",
        test_of("messages/values/test_calls_of_classes.py", "test_m1_copies_with_changed_fields_are_frozen"),
    ),
    Mutation(
        "M8: a call of a class looks for lone surrogates in tuples of texts",
        "messages/values/finishing.py",
        "if type(item) is str: item.isascii() or item.encode()",
        "if type(item) is str: pass",
        test_of("messages/values/test_surrogates.py", "test_m8_a_lone_surrogate_is_refused_where_it_is_given"),
    ),
    Mutation(
        "M1: strings of subclasses become plain, because no encoder knows what the subclass adds",
        "messages/values/freezing.py",
        "return str.__getitem__(value, slice(None))",
        "return value",
        test_of("messages/values/test_freezing.py", "test_m1_subclasses_of_scalars_become_plain"),
    ),
    Mutation(
        "M3: a value of a derived class has another key than one of its base",
        "messages/values/freezing.py",
        "return str(cls.__struct_config__.tag)",
        "return str(getattr(cls.__base__, '__struct_config__', cls.__struct_config__).tag)",
        test_of(
            "messages/values/test_frozen.py", "test_m3_a_value_of_a_derived_class_has_another_key_than_one_of_its_base"
        ),
    ),
    Mutation(
        "M3: no field value imitates a wrapper of the canonical form",
        "messages/values/canonical.py",
        'return f"@{key}" if key.startswith("@") else key',
        "return key",
        test_of("messages/values/test_canonical.py", "test_m3_a_forged_key_is_not_the_message"),
    ),
    Mutation(
        "M3: keys of objects are sorted as RFC 8785 says",
        "messages/values/canonical.py",
        'return text.encode("utf-16-be")',
        'return text.encode("utf-32-be")',
        test_of("messages/values/test_canonical.py", "test_m3_examples"),
    ),
    Mutation(
        "M5: an unknown field is an error, not dropped",
        "messages/coding/rebuilding.py",
        "            if name not in known and not self._ignore:",
        "            if False:",
        test_of("messages/coding/test_codec.py", "test_m5_what_does_not_fit_is_refused_with_its_path"),
    ),
    Mutation(
        "M5: an unknown tag is an error, not read as the declared class",
        "messages/coding/rebuilding.py",
        "if not found and ignore and len(forms) == 1:",
        "if not found and len(forms) == 1:",
        test_of("messages/coding/test_codec.py", "test_m5_a_class_made_later_is_found"),
    ),
    Mutation(
        "M5: the tag of a message is required where several classes may stand, even if msgspec can decode only one",
        "messages/coding/native_types.py",
        "return natives if len(natives) == 1 and forms == tuple(allowed) else (*natives, _Never)",
        "return natives or (_Never,)",
        test_of(
            "messages/coding/test_native_types.py",
            "test_m5_a_tag_is_required_where_only_one_of_the_declared_classes_is_clear",
        ),
    ),
    Mutation(
        "M5: a tag that a later class has too is ambiguous, also for readers that knew the first class",
        "messages/coding/readers.py",
        "when_tags_repeat.append(_forget_classes)",
        "",
        test_of(
            "messages/coding/test_native_types.py",
            "test_m5_a_tag_that_a_later_class_has_too_is_not_decoded_by_what_was_known",
        ),
    ),
    Mutation(
        "M5: NaN in MessagePack is refused where nothing freezes the float",
        "messages/coding/native_types.py",
        "        if native is float and self._plain:\n",
        "        if False:\n",
        test_of("messages/coding/test_native_types.py", "test_m5_structs_that_are_no_messages_are_unpacked_by_msgspec"),
    ),
    Mutation(
        "M5: NaN is not written as null",
        "messages/coding/encoding.py",
        "and not is_sound(value):\n                refuse_unwritable",
        "and False:\n                refuse_unwritable",
        test_of("messages/coding/test_codec.py", "test_m5_what_json_cannot_write_is_refused_with_its_path"),
    ),
    Mutation(
        "M5: a value of an untyped field that would be read back as another one is refused",
        "messages/coding/exactness.py",
        "            if not is_plain(current):\n",
        "            if False:\n",
        test_of("messages/coding/test_codec.py", "test_m5_what_an_untyped_field_would_not_give_back_is_not_written"),
    ),
    Mutation(
        "M5: what freezing has noted of an untyped field is looked at",
        "messages/coding/encoding.py",
        "when_noted.append(_forget)\n",
        "",
        test_of("messages/coding/test_encoding.py", "test_m5_what_freezing_notes_is_looked_at_from_then_on"),
    ),
    Mutation(
        "M5: extras of a part stand beside its declared properties",
        "messages/coding/contents.py",
        "has_open = has_open or (contents.is_open and current is not cls)",
        "has_open = False",
        test_of("messages/coding/test_encoding.py", "test_m5_a_class_made_later_may_hold_extras"),
    ),
    Mutation(
        "M6: text events are text",
        "messages/promised/tokens.py",
        "        if isinstance(piece, TextDelta):\n            return piece.text\n        return None",
        "        return None",
        test_of(
            "messages/promised/test_message_promises.py",
            "test_m6_tokens_joined_are_the_text_and_events_never_appear_as_text",
        ),
    ),
    Mutation(
        "A2: a stream of messages of another class is refused before its end",
        "messages/promised/message_sequence.py",
        "        raise TypeError(self._refusal(cls))",
        "        return promise.checked(self._checked)",
        test_of("agents/test_agents.py", "test_a2_a_stream_of_another_type_is_refused_before_it_has_come_to_its_end"),
    ),
)

_AGENTS: Final = (
    Mutation(
        "P5: `with_timeout` passes on what was there in time and only not read yet",
        "agents/guarding.py",
        "for piece in buffer_of(replies).pieces[passed:]:",
        "for piece in ():",
        test_of(
            "composition/test_composition_guards.py", "test_what_was_there_in_time_stays_although_nobody_had_read_it"
        ),
    ),
    Mutation(
        "P5: `with_timeout` adds no error to a reply that was complete in time",
        "agents/guarding.py",
        "        if not was_complete:\n            raise error",
        "        raise error",
        test_of(
            "composition/test_composition_guards.py",
            "test_retries_and_fallbacks_read_as_follows",
            "test_a_reply_that_is_complete_in_time_is_the_reply",
        ),
    ),
    Mutation(
        "A3: a reply of which something could be read is not replaced",
        "agents/guarding.py",
        "    if piece is not None and not isinstance(piece, Failure):\n        return None\n",
        "",
        test_of(
            "composition/test_composition_guards.py",
            "test_only_a_reply_of_which_nothing_was_there_to_be_read_is_replaced",
        ),
    ),
    Mutation(
        "A7: a message is kept once",
        "agents/persistence.py",
        "        self._remembered[known_as] = key\n",
        "",
        test_of("agents/test_persistence.py", "test_a7_a_message_is_kept_once_however_often_it_is_sent"),
    ),
    Mutation(
        "A7: a handler that is cancelled loses no message from sight",
        "agents/persistence.py",
        "            self._set_aside.extend(self._batch)\n",
        "            pass\n",
        test_of("agents/test_persistence.py", "test_a7_a_handler_that_is_cancelled_from_within_loses_nothing"),
    ),
    Mutation(
        "A5: a call that is not finished when its agent ends is finished",
        "agents/interaction.py",
        "                for call in tuple(self._open_calls):\n                    call.finish()",
        "                pass",
        test_of("agents/test_agent_calls.py", "test_a5_a_call_not_finished_when_its_agent_ends_is_finished"),
    ),
    Mutation(
        "A5: a call that is dropped is finished",
        "agents/interaction.py",
        "            self._loop.call_soon_threadsafe(messages.close)",
        "            pass",
        test_of("agents/test_agent_calls.py", "test_a5_a_call_that_is_dropped_is_finished"),
    ),
    Mutation(
        "A5: a call that is not finished when its context ends is finished",
        "agents/agents_context.py",
        "        self._finish_open_calls()\n        try:",
        "        try:",
        test_of("agents/test_agent_calls.py", "test_a5_a_call_not_finished_when_its_context_ends_is_finished"),
    ),
)

_WIRE: Final = (
    Mutation(
        "M5: data that ends in the middle of a record is told as torn",
        "wire/decoding.py",
        "cls = TornRecordError if part.torn else ",
        "cls = ",
        test_of("wire/test_records.py", "test_every_place_where_the_data_may_end"),
    ),
    Mutation(
        "M5: records before one that cannot be read are given",
        "wire/decoding.py",
        "                    yield records\n                    records = []\n",
        "                    records = []\n",
        test_of("wire/test_records.py", "test_reading_goes_on_behind_an_error"),
    ),
    Mutation(
        "M5: damage counts as a record",
        "wire/decoding.py",
        "        self._index += 1\n        return cls(",
        "        return cls(",
        test_of("wire/test_records.py", "test_a_record_that_is_too_large_is_passed_over"),
    ),
    Mutation(
        "M5: a line has one value, however many lines are split at once",
        "wire/splitting.py",
        'lines = data[start:end].split(b"\\n")',
        "lines = data[start:end].split()",
        test_of("wire/test_records.py", "test_a_line_has_one_value"),
    ),
    Mutation(
        "M8: records that msgspec alone would write wrong are not written together",
        "wire/writing.py",
        "if not are_simple(values, self._format):",
        "if False:",
        test_of("wire/test_together.py", "test_among_others_a_value_is_written_as_by_itself"),
    ),
    Mutation(
        "P4: a loop gets turns while frames are read that are all there",
        "wire/incoming.py",
        "                            await take_turn()\n",
        "                            pass\n",
        test_of("wire/test_streams.py", "test_p4_a_loop_gets_turns_while_frames_are_read_that_are_all_there"),
    ),
    Mutation(
        "M5: a damaged frame is told",
        "wire/splitting.py",
        "            if crc32(payload, length) != checksum:\n",
        "            if False:\n",
        test_of("wire/test_records.py", "test_each_bit_of_a_frame_counts"),
    ),
)

_EDGES: Final = (
    Mutation(
        "one line of output holds nothing that controls a terminal",
        "printing.py",
        'return "".join(char if is_printable(char) else escaped(char) for char in text)',
        "return text",
        test_of("test_printing.py", "test_one_line_has_only_what_is_seen_and_does_not_change_again"),
    ),
    Mutation(
        "running text holds no half characters",
        "printing.py",
        '    "\\ud800-\\udfff]"',
        '    "]"',
        test_of("test_printing.py", "test_lines_have_only_what_is_seen_and_do_not_change_again"),
    ),
    Mutation(
        "records at a terminal are escaped",
        "commands/cat.py",
        "sys.stdout.write(printable_json(data.decode()))",
        "sys.stdout.write(data.decode())",
        test_of("commands/test_hostile_output.py", "test_hostile_text_is_shown_as_escapes"),
    ),
    Mutation(
        "characters that Markdown makes of references are escaped",
        "chat/markdown.py",
        "child.content = printable(child.content, lines=True)",
        "pass",
        test_of("chat/test_terminal_view.py", "test_a_character_reference_commands_nothing"),
    ),
    Mutation(
        "a name with a step `..` is refused",
        "codegen/reading/sources.py",
        'if not {"", ".", ".."}.isdisjoint(steps):',
        'if not {"", "."}.isdisjoint(steps):',
        test_of("codegen/test_names_inside.py", "test_a_path_is_inside_on_every_system_or_refused"),
    ),
    Mutation(
        "a correction of `lint --fix` changes neither values nor types",
        "codegen/linting/fixing.py",
        "    if any(change.concerns for change in compare(old, bundle)):",
        "    if False:",
        test_of("codegen/test_fixing.py", "test_what_needs_a_person_stays"),
    ),
    Mutation(
        "what only could break somebody does not break them",
        "codegen/comparing/objects.py",
        "    certain = in_order(breaks, SOURCE if met else AUDIENCES)",
        "    certain = in_order(breaks)",
        test_of("codegen/test_diff.py", "test_g4_a_change_is_named_and_whom_it_breaks"),
    ),
    Mutation(
        "definitions that readers tell apart are no versions of one another",
        "codegen/comparing/renames.py",
        "    return any(tags[name] != others[name] for name in tags.keys() & others.keys())",
        "    return False",
        test_of("codegen/test_diff.py", "test_definitions_that_are_others_are_not_taken_for_renamed"),
    ),
    Mutation(
        "a closed stream is no place for a file",
        "command_running.py",
        "            os.open(os.devnull, mode)",
        "            pass",
        test_of("commands/test_edges.py", "test_a_file_takes_no_place_of_a_closed_stream"),
    ),
    Mutation(
        "what a full stdout still holds is dropped",
        "command_running.py",
        "            os.dup2(null, stream.fileno())\n",
        "",
        test_of("commands/test_edges.py", "test_a_full_stdout_is_one_line"),
    ),
)

_FILES: Final = (
    Mutation(
        "a file that is replaced keeps its permissions",
        "_replacing.py",
        "    os.fchmod(file.fileno(), mode)\n",
        "    os.fchmod(file.fileno(), 0o644)\n",
        test_of("test_replacing.py", "test_every_command_keeps_permissions"),
    ),
    Mutation(
        "the new file did not exist before, not even as a link",
        "_replacing.py",
        "os.O_RDWR | os.O_CREAT | os.O_EXCL | EXACTLY",
        "os.O_RDWR | os.O_CREAT",
        test_of("test_replacing.py", "test_nothing_that_is_there_is_taken_for_the_new_file"),
    ),
    Mutation(
        "a link as output stays a link",
        "_replacing.py",
        "    for _ in range(_MOST_LINKS):\n",
        "    for _ in range(0):\n",
        test_of("test_replacing.py", "test_a_link_stays_a_link"),
    ),
    Mutation(
        "a conversion continues only with the input that it began with",
        "commands/_partial.py",
        "    return blocks if found == checksum else None\n",
        "    return blocks\n",
        test_of("commands/test_resuming.py", "test_another_input_is_refused"),
    ),
    Mutation(
        "two conversions to one output do not meet",
        "commands/_partial.py",
        "            return False\n        except OSError:  # this file system has no locks\n",
        "            return True\n        except OSError:  # this file system has no locks\n",
        test_of("commands/test_resuming.py", "test_two_conversions_to_one_output_do_not_meet"),
    ),
)

_CALLS: Final = (
    Mutation(
        "a store is told of calls that are cancelled before they begin",
        "calls/surrounding.py",
        "if call.began is None:\n            for watcher in self.watchers:",
        "if call.began is not None:\n            for watcher in self.watchers:",
        test_of("ext/store/test_kept_runs.py", "test_calls_are_kept_whatever_handlers_do_with_them"),
    ),
    Mutation(
        "A8: a call that is cancelled before it began is seen",
        "calls/surrounding.py",
        "                self._around.show(self._call, self._handlers, self._replies.shown())\n",
        "                pass\n",
        test_of("calls/test_around_calls.py", "test_a_call_that_is_cancelled_before_it_began_is_seen"),
    ),
    Mutation(
        "A8: a call keeps no circle of references",
        "promising/core/pieces.py",
        "        self._followers = None  # they",
        "        pass  # they",
        test_of("calls/test_around_calls.py", "test_calls_leave_no_circles_of_references"),
    ),
    Mutation(
        "A8: an error that a message stands for is the error of the call",
        "calls/progress.py",
        "        if self.told:\n",
        "        if False:\n",
        test_of("calls/test_around_calls.py", "test_a_failed_call_whose_error_is_a_message_has_failed"),
    ),
    Mutation(
        "A8: a call that passes on the message of an error has failed",
        "agents/interaction.py",
        "        for interaction in self._chain():  # each of them may pass the message on\n",
        "        for interaction in (self,):\n",
        test_of(
            "calls/test_around_calls.py",
            "test_a_call_that_passes_on_the_message_of_an_error_has_failed_with_the_error",
        ),
    ),
    Mutation(
        "A8: a message that a limit cuts off ends with the error of the limit",
        "calls/limiting.py",
        "            give_up(mixed_buffer(message), error)\n",
        "",
        test_of(
            "calls/test_handlers_of_the_library.py", "test_a_message_that_is_cut_off_has_the_error_behind_its_tokens"
        ),
    ),
    Mutation(
        "A8: handlers further inside see the call as it was changed",
        "calls/surrounding.py",
        "                    self._call = call = self._pending_call\n",
        "",
        test_of(
            "calls/test_around_calls.py",
            "test_a_handler_gives_other_messages_and_arguments_and_those_inside_see_them",
        ),
    ),
    Mutation(
        "A8: an inner context has the handlers of the outer one",
        "agents/agents_context.py",
        "AgentSurroundings((*handlers, *self._call_handlers), ",
        "AgentSurroundings(self._call_handlers or handlers, ",
        test_of("calls/test_around_calls.py", "test_inner_contexts_have_the_handlers_of_the_outer_ones"),
    ),
    Mutation(
        "the record of a call has its arguments",
        "agents/recording.py",
        "                arguments=arguments.values,\n",
        "",
        test_of("calls/test_around_calls.py", "test_calls_with_other_arguments_leave_other_nodes"),
    ),
    Mutation(
        "no key is in the arguments or the identity of a model",
        "ext/llm/_model_identity.py",
        "    if is_object(value):\n        return {name: _without",
        "    if False:\n        return {name: _without",
        test_of("ext/llm/test_calls_of_models.py", "test_no_key_is_in_anything_that_handlers_see"),
    ),
    Mutation(
        "a limit of calls is the greatest number of calls",
        "calls/limiting.py",
        "so_far.calls >= calls",
        "so_far.calls > calls",
        test_of("calls/test_handlers_of_the_library.py", "test_calls_are_limited_per_run_or_per_agent"),
    ),
)

_TESTING: Final = (
    Mutation(
        "of timers for the same moment, the one that was set first runs first",
        "testing/_virtual_clock.py",
        "(round(when, 9), next(self._timer_numbers), timer)",
        "(round(when, 9), -next(self._timer_numbers), timer)",
        test_of("testing/test_virtual_clock.py", "test_what_was_set_first_comes_first"),
    ),
    Mutation(
        "timers of the same moment do not run together",
        "testing/_virtual_clock.py",
        "        self._ready.append(timer)\n",
        "        self._ready.append(timer)\n"
        "        while self._timers and self._timers[0][0] == moment:\n"
        "            self._ready.append(heapq.heappop(self._timers)[2])\n",
        test_of(
            "promising/laws/test_a_map_in_front.py", "test_p10_a_map_in_front_of_what_has_a_limit_changes_no_picture"
        ),
    ),
    Mutation(
        "the clock stands still while a thread of the loop works",
        "testing/_virtual_clock.py",
        "(self._timers[0][0] > self._now and self._calls_in_threads)",
        "False",
        test_of("testing/test_virtual_clock.py", "test_the_clock_stands_still_while_a_thread_is_at_work"),
    ),
    Mutation(
        "the events of a source come before timers that are set after its start",
        "testing/_marbles.py",
        "            self._timers.append(loop.call_at(begin + units * self._unit, _resolve, came))\n",
        "            self._timers.append(loop.call_at(begin + units * self._unit + 1e-6, _resolve, came))\n",
        test_of("testing/test_marbles.py", "test_a_timeout_takes_what_comes_at_its_moment"),
    ),
)

_KEEPING: Final = (
    Mutation(
        "a write whose transaction has failed is not acknowledged",
        "ext/store/_worker.py",
        "        return [refused.get(id(request), (request, said, None)) for request in requests]\n",
        "        return settled\n",
        test_of("ext/store/test_store_files.py", "test_a_full_disk_is_told_and_what_was_acknowledged_stays"),
    ),
    Mutation(
        "what a failed transaction wrote is not remembered as written",
        "ext/store/_worker.py",
        "        connected.rolled_back()\n",
        "",
        test_of("ext/store/test_store_files.py", "test_a_full_disk_is_told_and_what_was_acknowledged_stays"),
    ),
    Mutation(
        "a store writes no stream that another one took over",
        "ext/store/_sqlite_engine.py",
        "AND owner=? AND ended IS NULL AND name=?",
        "AND owner IN (owner, ?) AND ended IS NULL AND name=?",
        test_of(
            "ext/store/test_stores_between_processes.py",
            "test_a_store_that_seemed_dead_writes_no_stream_that_another_one_took",
        ),
    ),
    Mutation(
        "a stream that a living store writes is not given to another",
        "ext/store/_sqlite_engine.py",
        "        if owner != self._owner and self._is_alive(owner):\n",
        "        if False:\n",
        test_of("ext/store/test_streams_in_stores.py", "test_a_living_store_keeps_its_streams"),
    ),
    Mutation(
        "the streams of a process that is gone are free at once",
        "ext/store/_sqlite_engine.py",
        "        return expires > time.time() and not (place == self._place and is_gone(process))",
        "        return bool(expires > time.time())",
        test_of(
            "ext/store/test_stores_between_processes.py",
            "test_nothing_that_was_acknowledged_is_lost_when_a_process_is_killed",
        ),
    ),
    Mutation(
        "a commit of a SQLite store waits for what its durability says",
        "ext/store/_sqlite_file.py",
        "synchronous={durability.upper()}",
        "synchronous=NORMAL",
        test_of("ext/store/test_store_files.py", "test_a_commit_waits_for_what_the_durability_says"),
    ),
    Mutation(
        "a body is the one that was kept under its key",
        "ext/store/_kept.py",
        "if row is not None and row.digest == digest_of(key, row.body):",
        "if row is not None:",
        test_of("ext/store/test_messages_in_stores.py", "test_a_body_that_is_not_what_was_kept_is_an_error"),
    ),
    Mutation(
        "a call is the one that was kept",
        "ext/store/_kept.py",
        "        if row.digest != digest_of_call(row.record, row.messages, row.replies):\n",
        "        if False:\n",
        test_of("commands/test_runs_command.py", "test_a_damaged_run_is_told_and_the_others_listed"),
    ),
    Mutation(
        "a commit of a Postgres store waits for the disk if its durability is full",
        "ext/store/_postgres_engine.py",
        "'on' if self._durability == 'full' else 'off'",
        "'off'",
        test_of("ext/store/test_postgres_servers.py", "test_a_commit_waits_for_what_the_durability_says"),
    ),
    Mutation(
        "a full disk of a Postgres server is told as one",
        "ext/store/_postgres_engine.py",
        '        if code.startswith("53"):\n',
        "        if False:\n",
        test_of(
            "ext/store/test_postgres_servers.py", "test_tables_on_a_full_disk_are_told_and_go_on_when_there_is_room"
        ),
    ),
    Mutation(
        "a stream of a Postgres store that another one writes is not given away",
        "ext/store/_postgres_writing.py",
        "_Stream(number, count, ended, by not in alive)",
        "_Stream(number, count, ended, True)",
        test_of("ext/store/test_streams_in_stores.py", "test_a_living_store_keeps_its_streams"),
    ),
    Mutation(
        "a Postgres store that has lost one connection leaves the other one open no longer",
        "ext/store/_postgres_engine.py",
        "    for connection in connections:\n        connection.terminate()\n    return True\n",
        "    return True\n",
        test_of("ext/store/test_postgres_servers.py", "test_a_lost_connection_is_replaced_and_none_is_left_over"),
    ),
    Mutation(
        "calls that could not be kept are told",
        "ext/store/_recording.py",
        '            error.add_note(f"{lost} calls or pieces of streams were not kept")\n            raise error\n',
        '            error.add_note(f"{lost} calls or pieces of streams were not kept")\n',
        test_of("ext/store/test_kept_runs.py", "test_a_store_that_fails_is_told_at_the_end_and_the_agents_go_on"),
    ),
    Mutation(
        "an answer to other messages is not taken from the cache",
        "ext/store/caching.py",
        "list(map(key_of_message, messages))",
        "[]",
        test_of("ext/store/test_cached_agents.py", "test_messages_arguments_and_versions_count"),
    ),
    Mutation(
        "an answer with an error is not kept in the cache",
        "ext/store/caching.py",
        "            if asked.has_error():\n",
        "            if False:\n",
        test_of("ext/store/test_cached_agents.py", "test_errors_are_not_kept"),
    ),
    Mutation(
        "calls with something opaque are not cached",
        "ext/store/caching.py",
        "        if opaque:\n",
        "        if False:\n",
        test_of("ext/store/test_cached_agents.py", "test_calls_with_something_opaque_are_not_cached"),
    ),
    Mutation(
        "durable: the end of a call is seen when it is committed",
        "ext/store/durable_runs.py",
        "                await journal.commit(Ended(",
        "                journal.note(Ended(",
        test_of("ext/store/test_durable_runs.py", "test_what_a_call_replied_is_committed_before_its_end_is_seen"),
    ),
    Mutation(
        "durable: a call that its caller cancelled is not made again",
        "ext/store/durable_runs.py",
        "        if key in kept.given_up:\n",
        "        if False:\n",
        test_of("ext/store/test_durable_runs.py", "test_a_call_that_its_caller_has_cancelled_is_not_made_again"),
    ),
    Mutation(
        "durable: a caller that saw other ends may make another call",
        "ext/store/durable_runs.py",
        "if recorded is None or not history or recorded.history != history or",
        "if recorded is None or not history or",
        test_of(
            "ext/store/test_durable_runs.py",
            "test_a_caller_that_saw_other_ends_may_make_another_call_at_the_same_place",
        ),
    ),
    Mutation(
        "durable: another call at the same place is refused",
        "ext/store/durable_runs.py",
        "        raise copy.copy(journal.error)\n\n    def _read",
        "        return\n\n    def _read",
        test_of("ext/store/test_durable_runs.py", "test_another_call_at_the_same_place_is_refused_and_both_are_shown"),
    ),
    Mutation(
        "durable: replies that the program cannot read are no end of an agent",
        "ext/store/durable_runs.py",
        '            raise journal.stopped_by(f"the replies of {given.called}", error) from error',
        "            raise",
        test_of("ext/store/test_durable_runs.py", "test_a_program_that_cannot_read_what_is_kept_changes_nothing"),
    ),
    Mutation(
        "durable: a process goes on with no run that another one opened at the same moment",
        "ext/store/_journal.py",
        "            if not first.data.startswith(head):\n",
        "            if False:\n",
        test_of("ext/store/test_durable_runs.py", "test_of_two_that_open_a_run_at_the_same_moment_one_is_refused"),
    ),
    Mutation(
        "durable: nothing is written behind what could not be written",
        "ext/store/_journal.py",
        "        if self._failed is not None:\n            raise copy",
        "        if False:\n            raise copy",
        test_of("ext/store/test_durable_runs.py", "test_nothing_is_kept_behind_what_could_not_be_kept"),
    ),
    Mutation(
        "the parent of a span is the span of the call that made its call",
        "ext/otel/spanning.py",
        "            attach(set_span_in_context(opened[call.number].span))\n",
        "",
        test_of("ext/otel/test_spans.py", "test_parents_are_right_in_parallel_out_of_order_and_lazily"),
    ),
    Mutation(
        "replayed calls are not metered",
        "ext/otel/spanning.py",
        "        if call.replayed:\n",
        "        if False:\n",
        test_of("ext/otel/test_spans.py", "test_replayed_calls_are_marked_and_not_metered"),
    ),
    Mutation(
        "contents are in spans only if they are asked for",
        "ext/otel/_spoken.py",
        ".strip().lower() in _IN_SPANS",
        '.strip().lower() != ""',
        test_of("ext/otel/test_spans.py", "test_contents_are_not_there_otherwise"),
    ),
    Mutation(
        "a text with half of a surrogate pair loses no span",
        "ext/otel/_spoken.py",
        '    return text if text.isascii() else text.encode(errors="replace").decode()\n',
        "    return text\n",
        test_of("ext/otel/test_spans.py", "test_text_that_no_exporter_could_encode"),
    ),
    Mutation(
        "a call whose replies nobody reads has a span that ends",
        "ext/otel/spanning.py",
        "            finalize(run, _end_all, opened)\n",
        "",
        test_of("ext/otel/test_spans.py", "test_a_span_ends_although_nobody_reads_the_replies"),
    ),
)

MUTATIONS: Final = (
    *_PROMISING,
    *_COMBINATORS,
    *_MESSAGES,
    *_AGENTS,
    *_CALLS,
    *_WIRE,
    *_EDGES,
    *_FILES,
    *_TESTING,
    *_KEEPING,
)
