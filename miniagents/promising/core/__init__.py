"""The machinery that kinds of promises are built on: the stated surface of `promising` for other packages.

A user of promises needs nothing from here. A package that makes a kind of promise, or a combinator, finds:

| module       | for                                                                                                   |
|--------------|-------------------------------------------------------------------------------------------------------|
| `access`     | asking a promise how it stands, reading its failures as objects, settling it: functions that take one |
| `pieces`     | `PieceBuffer`, the pieces of a stream, and the iterators that read one                                |
| `bounds`     | how far a stream may be ahead of its readers: the base of `PieceBuffer`                               |
| `failure`    | `Failure`, an error as a piece; `Catching`, which makes one of an error of the work                   |
| `production` | `Production`, the base of promises and of work; its underscored names are for derived classes         |
| `working`    | `Working`, a production with tasks, an owner and sources; `Settling`, the work of a promise           |
| `letting_go` | when the work of a source stops that its results have let go of                                       |
| `current`    | the context and the production that are active in the running task                                    |
| `foreign`    | reading async iterables that are no promises like streams                                             |
| `waiting`    | awaitables as promises, and waiting for many of them at the same time                                 |
| `arguments`  | checks of arguments, with the error texts that all combinators share                                  |
| `presenting` | what promises say by name, `repr` and completion, and where one is taken for its value                |
| `notes`      | notes on errors, about the errors before them                                                         |
| `watch`      | who waits for whom: deadlocks, and tasks that nothing can end; of use to contexts alone               |
| `stuck`      | which of the waiting tasks nothing will ever wake; of use to the watch alone                          |
| `stalls`     | warnings about contexts in which nothing happens any more; of use to the watch alone                  |
| `standing`   | at which line tasks stand, and what they wait for; of use to the watch alone                          |
| `interrupts` | `impatience`: the second Ctrl+C ends the waiting for tasks that do not stop                           |
| `holders`    | who can reach a writing end; of use to the watch alone                                                |
| `hooks`      | `start_hooks`: has the hooks of contexts called with a promise that has resolved                      |
| `html`       | promises as notebooks show them                                                                       |
| `joins`      | which tasks a task waits for; of use to the watch alone                                               |
| `places`     | entering contexts, contexts inside others, and which ones are open; of use to contexts alone          |
| `callers`    | in which agents an error happened, and its notes about them                                           |
| `ending`     | waiting for the work of a context, and cancelling it; of use to contexts alone                        |
| `threads`    | calls from other threads; of use to contexts alone                                                    |
| `followers`  | workers without a coroutine, for passing pieces on; of use to flat streams alone                      |

Names that begin with an underscore are private to this package, with one exception. Those of `Production`, `Promise`
and `StreamedPromise` are also for the classes derived from them and the code beside those, in `promising` and
`messages.promised`. They have the underscore so that a promise shows its users no machinery. All other packages use the
functions of `access` and the public methods of `PieceBuffer`, and set no attribute of either.
"""
