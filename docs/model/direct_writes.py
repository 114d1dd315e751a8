"""Direct writes: `set` and `remove` beside computations of the same key that are under way.

A computation begins in one step: it announces itself, reads the clock and looks whether something was stored meanwhile. It runs its body,
stores its result unless the slot was raised above its time, gives the result to those who joined its flight, closes the flight, and only
then takes the announcement back. A direct write is one step, too: it takes the next time of the clock, raises the slot if any computation
is announced, and stores its value under its time or removes what is there. (In the code a lock makes each of these one step.) The slot is
spared otherwise because other keys share it: a program that sets a hundred thousand keys must not lose half of them to one another.

The world: one key, two readers that compute when they find nothing or join whoever computes, and a writer that commits to the database and
then sets the key to what it committed or removes it, twice.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {"protocol": "as it is"}
MUTANTS = {
    "unannounced": "a computation does not announce itself",
    "announced_after_body": "a computation announces itself after its body has read",
    "retracted_before_store": "a computation takes its announcement back before it stores",
    "retracted_before_finish": "a computation takes its announcement back while its flight can still be joined",
    "slot_spared": "a direct write never raises the slot",
    "stamped_after_body": "the entry carries the time read after its body",
    "set_without_a_time": "a direct write takes no new time",
    "joins_anything": "a reader joins a flight that the slot has overtaken",
}

READS, READERS, WRITES = 2, 2, 2
NOTHING = (-1, -1)

# entry: (version, born), or NOTHING; flight: (time at which it was opened, who leads it), or NOTHING
State = namedtuple("State", "db clock slot computing entry flight promised readers writer")
# leader: whom a reader that follows waits for
Reader = namedtuple("Reader", "at left promised born version leader", defaults=(0, -1, -1, -1))
Writer = namedtuple("Writer", "at left version", defaults=(-1,))


def start(_):
    return State(0, 0, 0, 0, NOTHING, NOTHING, 0, (Reader("idle", READS),) * READERS, Writer("idle", WRITES))


PLANS = {
    "unannounced": ["begin", "body", "store", "finish"],
    "announced_after_body": ["begin", "body", "announce", "store", "finish", "retract"],
    "retracted_before_store": ["begin", "announce", "body", "retract", "store", "finish"],
    "retracted_before_finish": ["begin", "announce", "body", "store", "retract", "finish"],
}


def plan(variant):
    """What a computation does, step by step. Announcing belongs to the beginning, unless it is what the variant is about."""
    return PLANS.get(variant, ["begin", "body", "store", "finish", "retract"])


def steps(s, variant):
    for i, reader in enumerate(s.readers):
        yield from read(s, variant, i, reader)
    yield from write(s, variant, s.writer)


def valid(s):
    return s.entry != NOTHING and s.slot <= s.entry[1]


def read(s, variant, i, r):
    def then(reader, **change):
        return s._replace(readers=put(s.readers, i, reader), **change)

    done = Reader("idle", r.left)
    if r.at == "idle":
        if r.left:
            yield then(Reader("look", r.left - 1, s.promised)), None
    elif r.at == "look":
        if valid(s):
            yield then(done), (s.entry[0], r.promised)
        else:
            yield then(r._replace(at="join")), None
    elif r.at == "join":
        current = s.slot <= s.flight[0] or variant == "joins_anything"
        if s.flight != NOTHING and current:
            yield then(r._replace(at="follow", leader=s.flight[1])), None
        else:
            yield then(r._replace(at="begin"), flight=(s.clock, i)), None
    elif r.at == "result":
        yield then(done), (r.version, r.promised)
    elif r.at != "follow":
        yield from compute(s, variant, i, r, then)


def compute(s, variant, i, r, then):
    order = plan(variant)
    after = r._replace(at=order[order.index(r.at) + 1] if r.at != order[-1] else "result")
    if r.at == "begin":
        if valid(s):
            yield finish(s, i, r._replace(at="result", version=s.entry[0])), None
        else:
            announced = "announce" not in order and "retract" in order
            yield then(after._replace(born=s.clock), computing=s.computing + announced), None
    elif r.at == "announce":
        yield then(after, computing=s.computing + 1), None
    elif r.at == "body":
        yield then(after._replace(version=s.db)), None
    elif r.at == "store":
        born = s.clock if variant == "stamped_after_body" else r.born
        yield then(after, entry=(r.version, born) if s.slot <= born else s.entry), None
    elif r.at == "finish":
        yield finish(s, i, after), None
    elif r.at == "retract":
        yield then(after, computing=s.computing - 1), None


def finish(s, i, leader):
    """Gives the leader's result to its followers and closes the flight, if it still is its own."""
    readers = tuple(
        f._replace(at="result", version=leader.version, leader=-1) if f.at == "follow" and f.leader == i else f
        for f in s.readers
    )
    flight = NOTHING if s.flight[1] == i else s.flight
    return s._replace(readers=put(readers, i, leader), flight=flight)


def write(s, variant, w):
    if w.at == "idle" and w.left:
        yield s._replace(db=s.db + 1, writer=Writer("replace", w.left - 1, s.db + 1)), None
    elif w.at == "replace":
        time = s.clock + (variant != "set_without_a_time")
        raised = s.computing and variant != "slot_spared"
        replaced = s._replace(clock=time, slot=max(s.slot, time) if raised else s.slot, writer=w._replace(at="return"))
        yield replaced._replace(entry=(w.version, time)), None
        yield replaced._replace(entry=NOTHING), None
    elif w.at == "return":
        yield s._replace(promised=max(s.promised, w.version), writer=Writer("idle", w.left)), None
