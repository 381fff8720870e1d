"""What `scripts/bench` runs.

`workloads.py` says what is measured and what is to be reached, `limit.py` does each by hand, `ours_*.py`, `baseline.py`
and `peers.py` do the same with a library. Each side runs in a process of its own (`worker.py`), as all of them must not
be in one; `running.py` has them take turns. To add a workload, list it in `workloads.py` and write a function of its
name in the module of each side.
"""
