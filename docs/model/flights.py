"""Flights before a shared store: readers of one process share a computation when their fences are equal.

A mint may be refused and a read may time out: the fence is then incomplete, or not known at all. What may still be shared?

The world: one generation, two readers with two reads each, a writer with two writes, two faults, one eviction.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {
    "noshare": "without a complete fence a reader runs its own body, for itself, and stores nothing",
    "next_flight": "without a complete fence a reader waits for a computation that begins after it asked",
}
MUTANTS = {
    "share_partial": "readers without a fence share a computation that runs already",
    "share_get": "a reader joins a read that another has sent already",
    "optimistic_mint": "the reply to a mint was lost, and its nonce is used in the fence anyhow",
}

READS, READERS, WRITES, FAULTS, EVICTIONS = 2, 2, 2, 2, 1
UNFENCED = ("unfenced",)

# flights: those of unfenced readers, as "waits" or "runs"; late: a mint that takes effect after its reply was given up
State = namedtuple("State", "db value generation drawn promised readers writer faults evictions flights late")
Reader = namedtuple("Reader", "at left promised fence version", defaults=(0, None, None))
Writer = namedtuple("Writer", "at left version", defaults=(0,))


def start(_):
    readers = (Reader("idle", READS),) * READERS
    return State(0, None, None, 0, 0, readers, Writer("idle", WRITES), FAULTS, EVICTIONS, (), None)


def steps(s, variant):
    for i, reader in enumerate(s.readers):
        at = reader.at.split()[0]
        yield from READER[at](s, variant, i, reader)
    yield from write(s, s.writer)
    if s.late is not None:
        yield s._replace(generation=s.late if s.generation is None else s.generation, late=None), None
    if s.evictions and s.generation is not None:
        yield s._replace(generation=None, evictions=s.evictions - 1), None
    if s.evictions and s.value is not None:
        yield s._replace(value=None, evictions=s.evictions - 1), None


def to(s, i, reader, **change):
    return s._replace(readers=put(s.readers, i, reader), **change)


def idle(s, variant, i, r):
    if not r.left:
        return
    yield to(s, i, Reader("sent", r.left - 1, s.promised)), None
    if variant == "share_get":
        for j, other in enumerate(s.readers):
            if j != i and other.at == "got":
                yield to(s, i, Reader("got", r.left - 1, s.promised, other.fence, other.version)), None


def sent(s, variant, i, r):
    """The server answers; the reply is on its way."""
    hit = s.value is not None and s.generation is not None and s.value[1] == s.generation
    yield to(s, i, r._replace(at="got", fence=s.generation, version=s.value[0] if hit else None)), None
    if s.faults and variant != "share_get":
        yield to(s, i, r._replace(at="unfenced"), faults=s.faults - 1), None


def got(s, _, i, r):
    if r.version is not None:
        yield to(s, i, Reader("idle", r.left)), (r.version, r.promised)
    else:
        yield to(s, i, r._replace(at="mint" if r.fence is None else "join")), None


def mint(s, variant, i, r):
    fresh = s.generation is None
    generation = s.drawn + 1 if fresh else s.generation
    yield to(s, i, r._replace(at="join", fence=generation), generation=generation, drawn=s.drawn + fresh), None
    if not s.faults or variant == "share_get":
        return
    if variant != "optimistic_mint":
        yield to(s, i, r._replace(at="unfenced"), faults=s.faults - 1), None
    elif s.late is None:
        nonce = s.drawn + 1
        yield to(s, i, r._replace(at="join", fence=nonce), drawn=nonce, faults=s.faults - 1, late=nonce), None


def unfenced(s, variant, i, r):
    if variant == "share_partial":
        yield to(s, i, r._replace(at="join")), None
    elif variant != "next_flight":
        yield to(s, i, r._replace(at="body")), None
    elif "waits" in s.flights:
        yield to(s, i, r._replace(at="follow waiting", fence=UNFENCED)), None
    else:
        yield to(s, i, r._replace(at="lead", fence=UNFENCED), flights=s.flights + ("waits",)), None


def lead(s, _, i, r):
    """Begins when no other unfenced computation runs. Those who wait for it now follow one that runs."""
    if "runs" in s.flights:
        return
    flights = put(s.flights, s.flights.index("waits"), "runs")
    readers = tuple(x._replace(at="follow running") if x.at == "follow waiting" else x for x in s.readers)
    yield to(s._replace(readers=readers), i, r._replace(at="own"), flights=flights), None


def own(s, _, i, r):
    """The body of an unfenced leader: it reads, then it answers its followers. It stores nothing."""
    if r.version is None:
        yield to(s, i, r._replace(version=s.db)), None
        return
    flights = list(s.flights)
    flights.remove("runs")
    state = hand_over(s, r.version, lambda x: x.at == "follow running")
    yield to(state, i, Reader("idle", r.left), flights=tuple(flights)), (r.version, r.promised)


def join(s, variant, i, r):
    shared = r.fence is not None or variant == "share_partial"
    others = (x for j, x in enumerate(s.readers) if j != i)
    if shared and any(x.at in ("body", "fill") and x.fence == r.fence for x in others):
        yield to(s, i, r._replace(at="follow")), None
    yield to(s, i, r._replace(at="body")), None


def body(s, _, i, r):
    yield to(s, i, r._replace(at="fill", version=s.db)), None


def fill(s, _, i, r):
    state = hand_over(s, r.version, lambda x: x.at == "follow" and x.fence == r.fence)
    value = (r.version, r.fence) if r.fence is not None else s.value
    yield to(state, i, Reader("idle", r.left), value=value), (r.version, r.promised)


def hand_over(s, version, is_follower):
    readers = tuple(Reader("result", x.left, x.promised, None, version) if is_follower(x) else x for x in s.readers)
    return s._replace(readers=readers)


def follow(*_):
    return ()


def result(s, _, i, r):
    yield to(s, i, Reader("idle", r.left)), (r.version, r.promised)


READER = {
    step.__name__: step for step in (idle, sent, got, mint, unfenced, lead, own, join, body, fill, follow, result)
}


def write(s, w):
    if w.at == "idle" and w.left:
        yield s._replace(db=s.db + 1, writer=Writer("invalidate", w.left - 1, s.db + 1)), None
    elif w.at == "invalidate":
        yield s._replace(generation=None, writer=w._replace(at="return")), None
    elif w.at == "return":
        yield s._replace(promised=max(s.promised, w.version), writer=Writer("idle", w.left)), None
