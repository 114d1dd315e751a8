"""Explores every interleaving of a small world, depth first: what is wrong mostly shows far from the beginning."""

import gc
from collections import namedtuple

Result = namedtuple("Result", "states reads violation")


def explore(model, variant):
    """Runs `model.steps` from `model.start` until nothing new turns up, or until a read breaks the promise.

    A step gives the next state and, when a read returns in it, the pair (version read, version promised): the version whose invalidation
    had returned when the read began.
    """
    gc.disable()  # Millions of tuples and no cycle: looking for one takes as long as the exploration.
    first = model.start(variant)
    seen, todo, reads = {first}, [first], 0
    while todo:
        for state, read in model.steps(todo.pop(), variant):
            if read is not None:
                reads += 1
                if read[0] < read[1]:
                    return Result(len(seen), reads, f"read version {read[0]}, promised {read[1]}")
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return Result(len(seen), reads, None)


def put(items, index, item):
    """`items`, a tuple, with one of them replaced."""
    return items[:index] + (item,) + items[index + 1:]
