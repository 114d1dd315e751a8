"""A transaction whose writers' invalidations are deferred to its end, with a savepoint in it, beside readers and another writer.

What is promised: once the block has returned, no version older than its commit is read. If it was dropped, once the commit has happened and its
outcome must have settled. What was never committed is read by nobody outside, and the block reads what it wrote.

The world: two readers with two reads each. One transaction with snapshot isolation: a writer inside a savepoint's block, then the outer
block's commit, rollback or drop at any point, after which the commit may still land. Another writer that commits and invalidates.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {"deferred": "collected, and invalidated after the commit"}
MUTANTS = {
    "early": "invalidated when the writer returns, before the commit",
    "drop_ignored": "a block that is dropped does not invalidate",
    "drop_once": "a block that is dropped invalidates at once alone",
    "inner_lost": "what an inner block collected is not handed out",
    "inner_drop_lost": "an inner block that is dropped invalidates at once and hands nothing out",
    "covered_hit": "what the block has outdated is answered from the cache inside",
    "covered_stored": "what the block computes from what it wrote is stored",
    "snapshot_stored": "what the block computes from its snapshot is stored",
}

READS, READERS = 2, 2
DIRTY = -1  # The version of what is not committed.

State = namedtuple("State", "db value generation drawn promised readers block other")
Reader = namedtuple("Reader", "at left promised fence version", defaults=(0, None, None))
Block = namedtuple("Block", "at snapshot inner outer version", defaults=(0, False, False, None))
Other = namedtuple("Other", "at version", defaults=("idle", None))


def start(_):
    return State(0, None, None, 0, 0, (Reader("idle", READS),) * READERS, Block("idle"), Other())


def steps(s, variant):
    for step in block(s, s.block, variant):
        yield step, None
    yield from read_inside(s, s.block, variant)
    if s.other.at == "idle":
        yield s._replace(db=s.db + 1, other=Other("committed", s.db + 1)), None
    elif s.other.at == "committed":
        yield promise(s._replace(generation=None, other=Other("over")), s.other.version), None
    for i, reader in enumerate(s.readers):
        yield from read(s, i, reader)


def promise(s, version):
    return s._replace(promised=max(s.promised, version))


def block(s, b, variant):
    def then(s=s, **change):
        return s._replace(block=b._replace(**change))

    invalidated = s._replace(generation=None)
    if b.at == "idle":
        yield then(at="open", snapshot=s.db)
    elif b.at == "open":
        early = variant == "early"
        yield then(invalidated if early else s, at="wrote", inner=not early)
    elif b.at == "wrote":
        yield then(at="released", outer=b.inner and variant != "inner_lost")
        # The inner future is dropped by the block around it, which goes on.
        yield then(invalidated if b.inner else s, at="released", outer=b.inner and variant != "inner_drop_lost")
    elif b.at == "released":
        yield then(s._replace(db=s.db + 1), at="committed", version=s.db + 1)
        yield then(at="over")
    elif b.at == "committed":
        yield promise(then(invalidated if b.outer else s, at="over"), b.version)
    elif b.at == "dropped":
        yield then(s._replace(db=s.db + 1), at="landed", version=s.db + 1)
        yield then(at="over")
    elif b.at == "landed":
        again = variant not in ("drop_ignored", "drop_once")
        yield promise(then(invalidated if again else s, at="over"), b.version)
    if b.at in ("wrote", "released", "committed"):
        at_once = variant != "drop_ignored" and (b.inner or b.outer)
        yield then(invalidated if at_once else s, at="landed" if b.at == "committed" else "dropped")


def read_inside(s, b, variant):
    """A call inside. It is one step: what it could store, it stores under the fence of that moment."""
    hit = s.value and s.generation is not None and s.value[1] == s.generation
    if b.at in ("wrote", "released"):
        if variant == "covered_hit" and hit and s.value[0] != DIRTY:
            yield s, (0, 1)
        elif variant == "covered_stored":
            yield store(s, DIRTY), (1, 1)
        else:
            yield s, (1, 1)
    elif b.at == "open" and variant == "snapshot_stored" and not hit:
        yield store(s, b.snapshot), None


def store(s, version):
    if s.generation is None:
        s = s._replace(generation=s.drawn, drawn=s.drawn + 1)
    return s._replace(value=(version, s.generation))


def seen(s, version):
    """What a reader outside is given; what is not committed counts as older than everything."""
    return s.block.version or DIRTY if version == DIRTY else version


def read(s, i, r):
    def then(reader, **change):
        return s._replace(readers=put(s.readers, i, reader), **change)

    if r.at == "idle" and r.left:
        yield then(Reader("ask", r.left - 1, s.promised)), None
    elif r.at == "ask":
        if s.value and s.generation is not None and s.value[1] == s.generation:
            yield then(Reader("idle", r.left)), (seen(s, s.value[0]), r.promised)
        else:
            fresh = s.generation is None
            drawn = s.drawn + fresh
            generation = s.drawn if fresh else s.generation
            yield then(r._replace(at="body", fence=generation), generation=generation, drawn=drawn), None
    elif r.at == "body":
        yield then(r._replace(at="fill", version=s.db)), None
    elif r.at == "fill":
        yield then(Reader("idle", r.left), value=(r.version, r.fence)), (r.version, r.promised)
