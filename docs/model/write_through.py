"""Write-through to a shared store: a put stores the new value, and must also act as an invalidation of its entry.

Otherwise a racing fill, or a racing put, brings older data back for a whole time to live. A put reads the leaf's generation (minting it if
need be) before the body that writes to the database, and swaps it for a fresh one afterwards.

The world: two putters with two puts each, a reader, one eviction.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {
    "rotate_get": "swap the generation, see the old one, and store only if it is the one read before the body",
    "unlink_only": "delete the generation and store nothing",
}
MUTANTS = {
    "blind": "store under the generation read before the body",
    "rotate": "swap the generation and store under the new one without looking at the old",
}

PUTS, PUTTERS, READS, EVICTIONS = 2, 2, 1, 1

State = namedtuple("State", "db value leaf drawn promised putters reader evictions")
Putter = namedtuple("Putter", "at left seen version under", defaults=(None, 0, None))
Reader = namedtuple("Reader", "at left promised fence version", defaults=(0, None, None))


def start(_):
    return State(0, None, None, 0, 0, (Putter("idle", PUTS),) * PUTTERS, Reader("idle", READS), EVICTIONS)


def steps(s, variant):
    for i, putter in enumerate(s.putters):
        yield from write(s, variant, i, putter)
    yield from read(s, s.reader)
    if s.evictions:
        left = s._replace(evictions=s.evictions - 1)
        if s.leaf is not None:
            yield left._replace(leaf=None), None
        if s.value is not None:
            yield left._replace(value=None), None


def minted(s):
    """The leaf's generation, set now if there was none, and the count of those drawn."""
    return (s.leaf, s.drawn) if s.leaf is not None else (s.drawn + 1, s.drawn + 1)


def write(s, variant, i, p):
    def then(putter, **change):
        return s._replace(putters=put(s.putters, i, putter), **change), None

    if p.at == "idle" and p.left:
        leaf, drawn = minted(s)
        yield then(Putter("body", p.left - 1, leaf), leaf=leaf, drawn=drawn)
    elif p.at == "body":
        yield then(p._replace(at="after", version=s.db + 1), db=s.db + 1)
    elif p.at == "after":
        fresh = s.drawn + 1
        if variant == "blind":
            yield then(p._replace(at="store", under=p.seen))
        elif variant == "unlink_only":
            yield then(p._replace(at="return"), leaf=None)
        elif variant == "rotate" or s.leaf == p.seen:
            yield then(p._replace(at="store", under=fresh), leaf=fresh, drawn=fresh)
        else:
            yield then(p._replace(at="return"), leaf=fresh, drawn=fresh)
    elif p.at == "store":
        yield then(p._replace(at="return", under=None), value=(p.version, p.under))
    elif p.at == "return":
        yield then(Putter("idle", p.left), promised=max(s.promised, p.version))


def read(s, r):
    if r.at == "idle" and r.left:
        yield s._replace(reader=Reader("ask", r.left - 1, s.promised)), None
    elif r.at == "ask":
        if s.value and s.leaf is not None and s.value[1] == s.leaf:
            yield s._replace(reader=Reader("idle", r.left)), (s.value[0], r.promised)
        elif s.leaf is None:
            yield s._replace(reader=r._replace(at="mint")), None
        else:
            yield s._replace(reader=r._replace(at="body", fence=s.leaf)), None
    elif r.at == "mint":
        leaf, drawn = minted(s)
        yield s._replace(reader=r._replace(at="body", fence=leaf), leaf=leaf, drawn=drawn), None
    elif r.at == "body":
        yield s._replace(reader=r._replace(at="fill", version=s.db)), None
    elif r.at == "fill":
        yield s._replace(reader=Reader("idle", r.left), value=(r.version, r.fence)), (r.version, r.promised)
