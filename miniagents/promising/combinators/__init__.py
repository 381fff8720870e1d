"""Combinators: what makes promises and streams of promises and streams.

| module       | combinators                                                                          |
|--------------|--------------------------------------------------------------------------------------|
| `of_pieces`  | that look at each piece by itself: methods of streams                                |
| `of_joined`  | that put a stream and others together: methods of streams                            |
| `of_places`  | for which the place of a piece matters: methods of streams                           |
| `of_time`    | for which the time of a piece matters: methods of streams                            |
| `of_streams` | functions of many streams                                                            |
| `gathering`  | functions that wait for all of many promises                                         |
| `racing`     | functions that take one of many promises                                             |
| `piped`      | none: the base of those that are methods                                             |
| `each`       | none: the work of those that call a plain function with each piece                   |
| `calling`    | none: the tasks that call an async function with pieces                              |
| `joining`    | none: the tasks that read several streams at the same time                           |
| `switching`  | none: the tasks that read the stream made of the latest piece                        |
| `zipping`    | none: the reading of several streams side by side                                    |
| `grouping`   | none: the buffers of the streams that are made of one                                |

The methods stand in base classes of `StreamedPromise`, one for each kind. Those of a whole stand in `Promise` and
`StreamedPromise` themselves.

The functions take coroutines and other awaitables for promises: each becomes a promise of its own, and one that is
given twice is awaited once. They take any async iterable for a stream, and an iterator given twice is read once.
A result is lazy if one of its sources is.
"""
