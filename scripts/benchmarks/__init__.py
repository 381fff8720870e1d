"""The benchmarks of `scripts/bench`.

`workloads.py` and `message_workloads.py` have all workloads with their targets. `limit_*.py` does each by hand;
`ours_*.py`, `baseline.py` and `peers.py` do it with a library. Each side runs in its own process (`worker.py`), because
two versions of miniagents cannot share one. `running.py` makes the sides take turns. To add a workload, list it in one
of the two modules and write a function of its name in a module of each side.
"""
