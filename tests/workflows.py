"""The shape of a seismological workflow, with commands that only take a while.

Each of 397 traces is deconvolved by itself, and one task sifts what has come of all.
"""

from jobrunner import NewTask

TRACES = 397


def seismology(seconds=0.05):
    """Its 398 tasks, the last one behind all others; each sleeps from half to one and a half of it.

    How long is told by its place, spread evenly and in no order.
    """
    traces = [_slept("sG1IterDecon", seconds * (0.5 + at * 0.618034 % 1)) for at in range(TRACES)]
    return [*traces, _slept("wrapper_siftSTFByMisfit", seconds, after=traces)]


def _slept(name, seconds, **fields):
    command = ["sh", "-c", f"sleep {seconds:.4f}"]
    return NewTask(command=command, description=name, queue="workflow", **fields)
