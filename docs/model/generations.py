"""Generations in a shared store: one entry under an outer and an inner node.

A read asks for the value and both generations at once. A hit needs every generation present and equal to the entry's fence. Otherwise it
mints what is missing (set if absent, and see what is there since), runs the body, and stores the value with the fence that replies had
shown before the body. An invalidation deletes one generation. An evictor drops any key at any moment.

Nothing here depends on the one node being above the other: each invalidation deletes either of them, so the two may as well be a node and a
tag, or two tags.

The world: two readers with two reads each, a writer with two writes, two evictions.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {"protocol": "as it is"}
MUTANTS = {
    "late_fence": "the fence is read after the body",
    "missing_is_zero": "a missing generation is a value like any other",
    "counter": "generations are counted up, not drawn",
    "del_value": "an invalidation deletes the value, not a generation",
}

READS, READERS, WRITES, EVICTIONS = 2, 2, 2, 2

MISSING = 0

# value: (version, fence); drawn: how many nonces were drawn
State = namedtuple("State", "db value generations drawn promised readers writer evictions")
Reader = namedtuple("Reader", "at left promised fence version", defaults=(0, (), -1))
Writer = namedtuple("Writer", "at left version", defaults=(0,))


def start(_):
    return State(0, None, (MISSING, MISSING), 0, 0, (Reader("idle", READS),) * READERS, Writer("idle", WRITES), EVICTIONS)


def steps(s, variant):
    for i, reader in enumerate(s.readers):
        yield from read(s, variant, i, reader)
    yield from write(s, variant, s.writer)
    if s.evictions:
        yield from evict(s)


def is_hit(s, variant):
    if s.value is None or variant == "del_value":
        return s.value is not None
    return s.value[1] == s.generations and (variant == "missing_is_zero" or MISSING not in s.generations)


def read(s, variant, i, r):
    def then(reader, **change):
        # Sorted: states that differ only in which reader is which are one.
        return s._replace(readers=tuple(sorted(put(s.readers, i, reader))), **change)

    if r.at == "idle" and r.left:
        yield then(Reader("ask", r.left - 1, s.promised)), None
    elif r.at == "ask":
        if is_hit(s, variant):
            yield then(Reader("idle", r.left)), (s.value[0], r.promised)
        else:
            mints = variant not in ("missing_is_zero", "del_value")
            yield then(r._replace(at="mint" if mints else "body", fence=s.generations)), None
    elif r.at == "mint" and MISSING in r.fence:
        yield mint(s, variant, r, then), None
    elif r.at in ("mint", "body"):
        if r.at == "mint":
            yield then(r._replace(at="body")), None
        else:
            yield then(r._replace(at="fill", version=s.db)), None
    elif r.at == "fill":
        late = variant == "late_fence" and MISSING not in s.generations
        value = (r.version, s.generations if late else r.fence)
        yield then(Reader("idle", r.left), value=value), (r.version, r.promised)


def mint(s, variant, r, then):
    """Sets the first missing generation unless somebody has: what is there since is what counts."""
    hole = r.fence.index(MISSING)
    generations, drawn = s.generations, s.drawn
    if generations[hole] == MISSING:
        drawn += 1
        generations = put(generations, hole, 1 if variant == "counter" else 1000 + drawn)
    reader = r._replace(fence=put(r.fence, hole, generations[hole]))
    return then(reader, generations=generations, drawn=drawn)


def write(s, variant, w):
    if w.at == "idle" and w.left:
        yield s._replace(db=s.db + 1, writer=Writer("invalidate", w.left - 1, s.db + 1)), None
    elif w.at == "invalidate":
        done = s._replace(writer=w._replace(at="return"))
        for node, generation in enumerate(s.generations):
            if variant == "counter":
                yield done._replace(generations=put(s.generations, node, generation + 1)), None
            elif variant == "missing_is_zero":
                drawn = s.drawn + 1
                yield done._replace(generations=put(s.generations, node, 1000 + drawn), drawn=drawn), None
            elif variant == "del_value":
                yield done._replace(value=None), None
            else:
                yield done._replace(generations=put(s.generations, node, MISSING)), None
    elif w.at == "return":
        yield s._replace(promised=max(s.promised, w.version), writer=Writer("idle", w.left)), None


def evict(s):
    left = s._replace(evictions=s.evictions - 1)
    for node, generation in enumerate(s.generations):
        if generation != MISSING:
            yield left._replace(generations=put(s.generations, node, MISSING)), None
    if s.value is not None:
        yield left._replace(value=None), None
