"""Direct writes: `set` and `remove` beside computations of the same key that are under way.

A computation announces itself, reads the clock, runs its body, stores, and takes the announcement back. A direct write takes the next time
of the clock, looks for announced computations, and raises the slot only if there are any; then it stores its value under its time, or
removes what is there. The slot is spared otherwise because other keys share it: a program that sets a hundred thousand keys must not lose
half of them to one another.

The world: one key, two readers that compute when they find nothing, and a writer that commits to the database and then sets the key to
what it committed or removes it, twice.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {
    "protocol": "as it is",
    "announced_after_clock": "announced after the clock was read: as good here, because the body follows both",
}
MUTANTS = {
    "unannounced": "a computation does not announce itself",
    "announced_after_body": "a computation announces itself after its body has read",
    "retracted_before_store": "a computation takes its announcement back before it stores",
    "slot_spared": "a direct write never raises the slot",
    "stamped_after_body": "the entry carries the time read after its body",
    "set_without_a_time": "a direct write takes no new time",
}

READS, READERS, WRITES = 2, 2, 2
NOTHING = (-1, -1)

# entry: (version, born), or NOTHING
State = namedtuple("State", "db clock slot computing entry promised readers writer")
Reader = namedtuple("Reader", "at left promised born version", defaults=(0, -1, -1))
Writer = namedtuple("Writer", "at left version time", defaults=(-1, -1))


def start(_):
    return State(0, 0, 0, 0, NOTHING, 0, (Reader("idle", READS),) * READERS, Writer("idle", WRITES))


def order(variant):
    """What a computation does, step by step."""
    if variant == "unannounced":
        return ["clock", "body", "store"]
    if variant == "announced_after_clock":
        return ["clock", "announce", "body", "store", "retract"]
    if variant == "announced_after_body":
        return ["clock", "body", "announce", "store", "retract"]
    if variant == "retracted_before_store":
        return ["announce", "clock", "body", "retract", "store"]
    return ["announce", "clock", "body", "store", "retract"]


def steps(s, variant):
    for i, reader in enumerate(s.readers):
        yield from read(s, variant, i, reader)
    yield from write(s, variant, s.writer)


def read(s, variant, i, r):
    plan = order(variant)

    def then(reader, **change):
        readers = tuple(sorted(put(s.readers, i, reader)))
        return s._replace(readers=readers, **change)

    if r.at == "idle":
        if r.left:
            yield then(Reader("look", r.left - 1, s.promised)), None
        return
    if r.at == "look":
        if s.entry != NOTHING and s.slot <= s.entry[1]:
            yield then(Reader("idle", r.left)), (s.entry[0], r.promised)
        else:
            yield then(r._replace(at=plan[0])), None
        return
    after, change = {}, {}
    if r.at == "announce":
        change = {"computing": s.computing + 1}
    elif r.at == "retract":
        change = {"computing": s.computing - 1}
    elif r.at == "clock":
        after = {"born": s.clock}
    elif r.at == "body":
        after = {"version": s.db}
    elif r.at == "store":
        change = {"entry": (r.version, s.clock if variant == "stamped_after_body" else r.born)}
    if r.at == plan[-1]:
        yield then(Reader("idle", r.left), **change), (r.version, r.promised)
    else:
        yield then(r._replace(at=plan[plan.index(r.at) + 1], **after), **change), None


def write(s, variant, w):
    def then(at, version=w.version, time=w.time, left=w.left, **change):
        return s._replace(writer=Writer(at, left, version, time), **change), None

    if w.at == "idle" and w.left:
        yield then("clock", version=s.db + 1, left=w.left - 1, db=s.db + 1)
    elif w.at == "clock":
        time = s.clock + (variant != "set_without_a_time")
        yield then("look", time=time, clock=time)
    elif w.at == "look":
        raised = s.computing and variant != "slot_spared"
        yield then("raise" if raised else "store")
    elif w.at == "raise":
        yield then("store", slot=max(s.slot, w.time))
    elif w.at == "store":
        yield then("return", entry=(w.version, w.time))
        yield then("return", entry=NOTHING)
    elif w.at == "return":
        yield then("idle", promised=max(s.promised, w.version), time=-1, version=-1)
