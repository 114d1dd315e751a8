"""Write-through in memory: a writer stores what it returns, and must also act as an invalidation of its entry.

A writer announces itself and reads the clock, as a computation does, before the body that writes to the database. After the body, if
nobody else's computation is announced, it stores its value under the time from *before* the body, unless one of the entry's slots was
raised above that time. If it does not store, it raises the slot of the leaf. It takes its announcement back at last. (The look at who
computes and the storing are two steps here: whoever begins in between reads what was written.)

Why nobody else: a reader that is computing may have read the older data, and would store over the newer; of two writers, the one that
ends first may have committed last. Why the time from before: an invalidation that overlaps the body may have been meant for what was
written after it, so it has to outdate the value as well.

The world: one key with two slots (a node and its leaf), two readers that compute when they find nothing or join whoever computes, a writer
that writes through, and beside it either another one or one that invalidates the node.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {"protocol": "as it is"}
MUTANTS = {
    "unannounced": "a writer does not announce itself",
    "retracted_early": "a writer takes its announcement back before it stores",
    "announced_after_body": "a writer announces itself after its body, under the time from before",
    "beside_others": "a writer stores although somebody else computes",
    "stamped_after_body": "the entry carries the time read after the body, and the slots are compared with that",
    "spared_beside_others": "a writer leaves what is there when somebody else computes",
    "spared_when_outdated": "a writer leaves what is there when a slot was raised above its time",
}

READS = (2, 1)
NODE, LEAF = 0, 1
NOTHING = (-1, -1)

# entry: (version, born), or NOTHING; flight: (time at which it was opened, who leads it), or NOTHING
State = namedtuple("State", "db clock slots computing entry flight promised readers writers other")
# other: None while it is not decided who is there beside the first writer
# leader: whom a reader that follows waits for
Reader = namedtuple("Reader", "at left promised born version leader", defaults=(0, -1, -1, -1))
Writer = namedtuple("Writer", "at born version", defaults=(-1, -1))
Other = namedtuple("Other", "at version time", defaults=(-1, -1))


def start(_):
    return State(0, 0, (0, 0), 0, NOTHING, NOTHING, 0, tuple(Reader("idle", left) for left in READS), (Writer("idle"),), None)


def steps(s, variant):
    if s.other is None:
        yield s._replace(other=Other("done"), writers=s.writers * 2), None
        yield s._replace(other=Other("idle")), None
        return
    for i, reader in enumerate(s.readers):
        yield from read(s, i, reader)
    for i, writer in enumerate(s.writers):
        for state in write(s, variant, i, writer):
            yield state._replace(writers=tuple(sorted(state.writers))), None
    for state in invalidate(s, s.other):
        yield state, None


def permitted(s, born):
    return max(s.slots) <= born


def valid(s):
    return s.entry != NOTHING and permitted(s, s.entry[1])


def read(s, i, r):
    def then(reader, **change):
        return s._replace(readers=put(s.readers, i, reader), **change)

    done = Reader("idle", r.left)
    if r.at == "idle":
        if r.left:
            yield then(Reader("look", r.left - 1, s.promised)), None
    elif r.at == "look":
        if valid(s):
            yield then(done), (s.entry[0], r.promised)
        elif s.flight != NOTHING and permitted(s, s.flight[0]):
            yield then(r._replace(at="follow", leader=s.flight[1])), None
        else:
            yield then(r._replace(at="begin"), flight=(s.clock, i)), None
    elif r.at == "begin":
        if valid(s):
            yield finish(s, i, r._replace(at="result", version=s.entry[0])), None
        else:
            yield then(r._replace(at="body", born=s.clock), computing=s.computing + 1), None
    elif r.at == "body":
        yield then(r._replace(at="store", version=s.db)), None
    elif r.at == "store":
        stored = (r.version, r.born) if permitted(s, r.born) else s.entry
        yield then(r._replace(at="finish"), entry=stored), None
    elif r.at == "finish":
        yield finish(s, i, r._replace(at="retract")), None
    elif r.at == "retract":
        yield then(r._replace(at="result"), computing=s.computing - 1), None
    elif r.at == "result":
        yield then(done), (r.version, r.promised)


def finish(s, i, leader):
    """Gives the leader's result to its followers and closes the flight, if it still is its own."""
    readers = tuple(
        f._replace(at="result", version=leader.version, leader=-1) if f.at == "follow" and f.leader == i else f
        for f in s.readers
    )
    flight = NOTHING if s.flight[1] == i else s.flight
    return s._replace(readers=put(readers, i, leader), flight=flight)


def write(s, variant, i, w):
    def then(writer, **change):
        return s._replace(writers=put(s.writers, i, writer), **change)

    if w.at == "idle":
        announced = variant not in ("unannounced", "announced_after_body")
        yield then(Writer("body", s.clock), computing=s.computing + announced)
    elif w.at == "body":
        after = {"announced_after_body": "announce", "retracted_early": "retract early"}.get(variant, "end")
        yield then(w._replace(at=after, version=s.db + 1), db=s.db + 1)
    elif w.at == "announce":
        yield then(w._replace(at="end"), computing=s.computing + 1)
    elif w.at == "retract early":
        yield then(w._replace(at="end"), computing=s.computing - 1)
    elif w.at == "end":
        own = variant not in ("unannounced", "retracted_early")
        if s.computing == own or variant == "beside_others":
            yield then(w._replace(at="store"))
        else:
            yield then(w._replace(at="retract" if variant == "spared_beside_others" else "raise"))
    elif w.at == "store":
        born = s.clock if variant == "stamped_after_body" else w.born
        if permitted(s, born):
            yield then(w._replace(at="retract"), entry=(w.version, born))
        else:
            yield then(w._replace(at="retract" if variant == "spared_when_outdated" else "raise"))
    elif w.at == "raise":
        time = s.clock + 1
        yield then(w._replace(at="retract"), clock=time, slots=put(s.slots, LEAF, max(s.slots[LEAF], time)))
    elif w.at == "retract":
        announced = variant not in ("unannounced", "retracted_early")
        yield then(w._replace(at="return"), computing=s.computing - announced)
    elif w.at == "return":
        yield then(Writer("done"), promised=max(s.promised, w.version))


def invalidate(s, o):
    """A writer that invalidates, whose pattern covers the key: it takes its time and raises the slot in two steps."""
    if o.at == "idle":
        yield s._replace(db=s.db + 1, other=Other("clock", s.db + 1))
    elif o.at == "clock":
        yield s._replace(clock=s.clock + 1, other=o._replace(at="raise", time=s.clock + 1))
    elif o.at == "raise":
        slots = put(s.slots, NODE, max(s.slots[NODE], o.time))
        yield s._replace(slots=slots, other=o._replace(at="return"))
    elif o.at == "return":
        yield s._replace(promised=max(s.promised, o.version), other=Other("done"))
