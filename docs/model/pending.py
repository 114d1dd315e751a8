"""Invalidations that the store has not acknowledged, as the process sees them that asked for them.

The process promises itself more than it can promise others: once an invalidation has returned, acknowledged or not, none of its own reads
yields an older version. While one is pending, a reader that it covers does not ask the store.

The world: one generation; a writer with two writes and a reader with two reads in one process, which tries again what is pending; another
process that fills twice, from whatever the database shows it.
"""

from collections import namedtuple

PROTOCOLS = {"barred": "a reader looks for pending invalidations before it asks; an attempt settles what was entered before it"}
MUTANTS = {
    "not_looked_for": "a reader asks the store whatever is pending",
    "looked_for_late": "a reader looks for pending invalidations when it has the reply",
    "settled_too_much": "an attempt settles also what was entered while it was under way",
}

READS, WRITES, FILLS, LOSSES = 2, 2, 2, 3

# pending: the number of the latest entry; attempt: None, or ("sent" | "done", the latest number when it was sent)
State = namedtuple("State", "db value generation drawn pending entered attempt promised reader writer filler losses")
Reader = namedtuple("Reader", "at left promised fence version", defaults=(0, None, None))
Writer = namedtuple("Writer", "at left version", defaults=(0,))
Filler = namedtuple("Filler", "at left fence version", defaults=(None, None))


def start(_):
    return State(0, None, None, 0, None, 0, None, 0, Reader("idle", READS), Writer("idle", WRITES), Filler("idle", FILLS), LOSSES)


def steps(s, variant):
    yield from read(s, s.reader, variant)
    for state in (*write(s, s.writer), *fill(s, s.filler), *retry(s, variant)):
        yield state, None


def write(s, w):
    if w.at == "idle" and w.left:
        yield s._replace(db=s.db + 1, writer=Writer("unlink", w.left - 1, s.db + 1))
    elif w.at == "unlink":
        yield s._replace(generation=None, writer=w._replace(at="return"))
        if s.losses:
            entered = s.entered + 1
            lost = s._replace(losses=s.losses - 1, entered=entered, pending=entered, writer=w._replace(at="return"))
            yield lost
            yield lost._replace(generation=None)
    elif w.at == "return":
        yield s._replace(promised=w.version, writer=Writer("idle", w.left))


def retry(s, variant):
    if s.attempt is None:
        if s.pending is not None:
            yield s._replace(attempt=("sent", s.entered))
        return
    at, until = s.attempt
    if at == "sent":
        yield s._replace(generation=None, attempt=("done", until))
        if s.losses:
            yield s._replace(attempt=None, losses=s.losses - 1)
        return
    settled = variant == "settled_too_much" or (s.pending is not None and s.pending <= until)
    yield s._replace(attempt=None, pending=None if settled else s.pending)


def fill(s, f):
    """The other process: it reads the generation, then the database, and stores."""
    if f.at == "idle" and f.left:
        state, generation = minted(s)
        yield state._replace(filler=Filler("body", f.left - 1, generation))
    elif f.at == "body":
        yield s._replace(filler=f._replace(at="fill", version=s.db))
    elif f.at == "fill":
        yield s._replace(value=(f.version, f.fence), filler=Filler("idle", f.left))


def minted(s):
    if s.generation is not None:
        return s, s.generation
    return s._replace(generation=s.drawn + 1, drawn=s.drawn + 1), s.drawn + 1


def read(s, r, variant):
    barred = s.pending is not None
    if r.at == "idle" and r.left:
        early = variant == "barred" or variant == "settled_too_much"
        yield s._replace(reader=Reader("own" if early and barred else "ask", r.left - 1, s.promised)), None
    elif r.at == "own":
        yield s._replace(reader=Reader("idle", r.left)), (s.db, r.promised)
    elif r.at == "ask":
        state, generation = minted(s)
        hit = s.value is not None and s.value[1] == s.generation
        yield state._replace(reader=r._replace(at="got", fence=generation, version=s.value[0] if hit else None)), None
    elif r.at == "got":
        if variant == "looked_for_late" and barred:
            yield s._replace(reader=r._replace(at="own")), None
        elif r.version is not None:
            yield s._replace(reader=Reader("idle", r.left)), (r.version, r.promised)
        else:
            yield s._replace(reader=r._replace(at="body")), None
    elif r.at == "body":
        yield s._replace(reader=r._replace(at="fill", version=s.db)), None
    elif r.at == "fill":
        yield s._replace(value=(r.version, r.fence), reader=Reader("idle", r.left)), (r.version, r.promised)
