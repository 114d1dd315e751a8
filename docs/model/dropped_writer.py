"""A writer whose future is dropped half-way: its guard invalidates at the drop, but the database may commit afterwards.

(The COMMIT was on the wire, or the statement ran on another thread.) What is promised: once the commit has happened and every invalidation
of the guard is acknowledged, no older version is read.

The world: two readers with two reads each, one writer that is dropped and whose commit comes at any time.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {"twice": "invalidate at the drop, and again when the commit must have settled"}
MUTANTS = {"once": "invalidate at the drop alone"}

READS, READERS = 2, 2

State = namedtuple("State", "db value generation drawn promised readers done")
Reader = namedtuple("Reader", "at left promised fence version", defaults=(0, None, None))


def start(_):
    return State(0, None, None, 0, 0, (Reader("idle", READS),) * READERS, 0)


def steps(s, variant):
    needed = 2 if variant == "twice" else 1
    for state, read in moves(s, variant):
        if state.db and state.done >= needed:
            state = state._replace(promised=1)
        yield state, read


def moves(s, variant):
    if not s.db:
        yield s._replace(db=1), None
    if s.done == 0:
        yield s._replace(generation=None, done=1), None
    if variant == "twice" and s.done == 1 and s.db:
        yield s._replace(generation=None, done=2), None
    for i, reader in enumerate(s.readers):
        yield from read(s, i, reader)


def read(s, i, r):
    def then(reader, **change):
        return s._replace(readers=put(s.readers, i, reader), **change)

    if r.at == "idle" and r.left:
        yield then(Reader("ask", r.left - 1, s.promised)), None
    elif r.at == "ask":
        if s.value and s.generation is not None and s.value[1] == s.generation:
            yield then(Reader("idle", r.left)), (s.value[0], r.promised)
        else:
            fresh = s.generation is None
            drawn = s.drawn + fresh
            generation = drawn if fresh else s.generation
            yield then(r._replace(at="body", fence=generation), generation=generation, drawn=drawn), None
    elif r.at == "body":
        yield then(r._replace(at="fill", version=s.db)), None
    elif r.at == "fill":
        yield then(Reader("idle", r.left), value=(r.version, r.fence)), (r.version, r.promised)
