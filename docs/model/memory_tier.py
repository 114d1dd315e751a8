"""The memory tier: one clock, a table of slots, and entries that remember when they were last found in order.

Invalidate: take the next time of the clock, raise the slots of what is covered to it, count the invalidation as completed. An entry
carries the time read before its body. A read takes the count of completed invalidations; if the entry remembers the same count, it is a
hit. Otherwise it looks at every slot of the entry, and if none is above the entry's time, the entry remembers the count and it is a hit.

The world: one key with two slots (a node and its leaf), two readers with three reads between them, two writers with one write each, to either slot.
An insertion is never refused, although the code looks at the slots once more before it: that look spares newer entries and no more.
"""

from collections import namedtuple

from explore import put

PROTOCOLS = {"protocol": "as it is"}
MUTANTS = {
    "stamped_after_body": "the entry carries the time read after its body",
    "clock_stands_still": "an invalidation takes no new time",
    "slot_runs_backwards": "a slot takes the time of the last invalidation, not the highest",
    "slots_ignored": "a read does not look at the slots",
    "second_slot_ignored": "a read looks at the first slot alone",
    "completed_before_raise": "an invalidation is counted as completed before its slot is raised",
    "never_completed": "an invalidation is not counted as completed",
    "verified_after_look": "the entry remembers a count that was read after its slots were looked at",
}

READS, WRITERS, SLOTS = (2, 1), 2, 2

NONE = -1

# entries: those that somebody can reach, as (version, born, verified); current: the number of the one in the table.
State = namedtuple("State", "db clock completed slots entries current promised readers writers")
Reader = namedtuple("Reader", "at left promised entry count born version", defaults=(0, NONE, NONE, NONE, NONE))
Writer = namedtuple("Writer", "at version slot time", defaults=(0, NONE, NONE))


def start(_):
    readers, writers = tuple(Reader("idle", left) for left in sorted(READS)), (Writer("idle"),) * WRITERS
    return State(0, 0, 0, (0,) * SLOTS, (), NONE, 0, readers, writers)


def steps(s, variant):
    for i, reader in enumerate(s.readers):
        for state, returned in read(s, variant, i, reader):
            yield canonical(state), returned
    for i, writer in enumerate(s.writers):
        for state, returned in write(s, variant, i, writer):
            yield canonical(state), returned


def canonical(s):
    """One state for all that differ only in who is who and in entries that nobody can reach any more."""
    reached = [s.current, *(r.entry for r in s.readers)]
    kept = sorted({entry for entry in reached if entry != NONE})
    if len(kept) < len(s.entries):
        new = {old: number for number, old in enumerate(kept)}
        new[NONE] = NONE
        readers = tuple(r._replace(entry=new[r.entry]) for r in s.readers)
        s = s._replace(entries=tuple(s.entries[old] for old in kept), current=new[s.current], readers=readers)
    return s._replace(readers=tuple(sorted(s.readers)), writers=tuple(sorted(s.writers)))


def read(s, variant, i, r):
    def to(at, **change):
        return r._replace(at=at, **change)

    def then(reader, **change):
        return s._replace(readers=put(s.readers, i, reader), **change)

    done = Reader("idle", r.left)
    if r.at == "idle" and r.left:
        begun = to("count", left=r.left - 1, promised=s.promised, entry=s.current)
        yield then(begun if s.current != NONE else begun._replace(at="born")), None
    elif r.at == "count":
        yield then(to("compare", count=s.completed)), None
    elif r.at == "compare":
        version, _, verified = s.entries[r.entry]
        if verified == r.count or variant == "slots_ignored":
            yield then(done), (version, r.promised)
        else:
            yield then(to("slot 0")), None
    elif r.at in ("slot 0", "slot 1"):
        slot = int(r.at[-1])
        last = slot == SLOTS - 1 or variant == "second_slot_ignored"
        if s.slots[slot] > s.entries[r.entry][1]:
            yield then(to("born", entry=NONE, count=NONE)), None
        elif not last:
            yield then(to("slot 1")), None
        else:
            yield then(to("recount" if variant == "verified_after_look" else "remember")), None
    elif r.at == "recount":
        yield then(to("remember", count=s.completed)), None
    elif r.at == "remember":
        version, born, _ = s.entries[r.entry]
        yield then(done, entries=put(s.entries, r.entry, (version, born, r.count))), (version, r.promised)
    elif r.at == "born":
        yield then(to("body", born=s.clock)), None
    elif r.at == "body":
        yield then(to("insert", version=s.db)), None
    elif r.at == "insert":
        born = s.clock if variant == "stamped_after_body" else r.born
        entries = s.entries + ((r.version, born, NONE),)
        yield then(done, entries=entries, current=len(s.entries)), (r.version, r.promised)


def write(s, variant, i, w):
    def then(at, version=w.version, slot=w.slot, time=w.time, **change):
        return s._replace(writers=put(s.writers, i, Writer(at, version, slot, time)), **change), None

    if w.at == "idle":
        for slot in range(SLOTS):
            yield then("clock", s.db + 1, slot, db=s.db + 1)
    elif w.at == "clock":
        time = s.clock + (variant != "clock_stands_still")
        early = variant == "completed_before_raise"
        yield then("count first" if early else "raise", time=time, clock=time)
    elif w.at == "count first":
        yield then("raise", completed=s.completed + 1)
    elif w.at == "raise":
        time = w.time if variant == "slot_runs_backwards" else max(s.slots[w.slot], w.time)
        counted = variant in ("completed_before_raise", "never_completed")
        yield then("return" if counted else "count", slots=put(s.slots, w.slot, time))
    elif w.at == "count":
        yield then("return", completed=s.completed + 1)
    elif w.at == "return":
        yield then("done", promised=max(s.promised, w.version))
