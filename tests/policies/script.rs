//! What happens to a function.

use super::model::Where;
use super::policy::Dice;
use super::service::{Call, State};

/// One step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// So many seconds go by.
    Advance(u64),
    /// What the database answers with from now on.
    Database(State),
    Call(Call, Where),
    /// A call of a database that is slow; an invalidation may come meanwhile.
    Slow {
        call: Call,
        is_invalidated: bool,
    },
    /// Two calls at once.
    Twice(Call),
    /// A writer returns the new value of the entry of a call.
    Write(Call, Where),
    Invalidate,
    InvalidateTag,
}

use Step::*;

const PLAIN: Call = Call {
    note: 0,
    tenant: 1,
    bypass: false,
};
const CALL: Step = Call(PLAIN, Where::Outside);
const BYPASS: Call = Call {
    bypass: true,
    ..PLAIN
};

/// Brings each policy to what it promises.
pub(crate) fn written() -> Vec<Step> {
    let good = State::GOOD;
    let down = State {
        is_down: true,
        ..good
    };
    let absent = State {
        is_absent: true,
        ..good
    };
    let unkept = State {
        is_kept: false,
        ..good
    };
    let lease = |lease| State { lease, ..good };
    let slow = |is_invalidated| Slow {
        call: PLAIN,
        is_invalidated,
    };
    let other = |note, tenant| {
        let bypass = false;
        let call = Call {
            note,
            tenant,
            bypass,
        };
        Call(call, Where::Outside)
    };
    let parts: [&[Step]; 9] = [
        // Who shares an entry with whom.
        &[
            CALL,
            CALL,
            other(1, 1),
            other(0, 2),
            CALL,
            Call(BYPASS, Where::Outside),
            CALL,
        ],
        &[
            Call(PLAIN, Where::Inside),
            Call(PLAIN, Where::Off),
            CALL,
            Twice(PLAIN),
            InvalidateTag,
            CALL,
        ],
        // Through the life of a value: ahead of its expiry, behind it, in the place of errors.
        &[
            Advance(85),
            Call(PLAIN, Where::Inside),
            Call(BYPASS, Where::Inside),
            CALL,
            CALL,
        ],
        &[
            Advance(110),
            Call(PLAIN, Where::Inside),
            Twice(PLAIN),
            CALL,
            Advance(110),
            slow(false),
            CALL,
        ],
        &[
            Database(down),
            Advance(110),
            CALL,
            CALL,
            Advance(60),
            CALL,
            CALL,
            Advance(1),
            slow(false),
            CALL,
        ],
        &[
            Database(good),
            Advance(1),
            slow(false),
            CALL,
            Advance(170),
            Twice(PLAIN),
            CALL,
            Advance(170),
            CALL,
        ],
        // An invalidation, at each age.
        &[
            Invalidate,
            Database(down),
            CALL,
            Database(good),
            CALL,
            Invalidate,
            CALL,
            Advance(110),
            slow(true),
            CALL,
        ],
        &[
            Advance(170),
            slow(true),
            CALL,
            Advance(170),
            Database(down),
            slow(true),
            CALL,
            Database(good),
            CALL,
        ],
        // Written through, at each age, and in the place of what others are told.
        &[
            Invalidate,
            Write(PLAIN, Where::Outside),
            CALL,
            Advance(85),
            CALL,
            Write(PLAIN, Where::Outside),
            CALL,
            Write(BYPASS, Where::Outside),
            CALL,
            Write(PLAIN, Where::Inside),
            CALL,
            Write(PLAIN, Where::Off),
            CALL,
            Advance(110),
            Write(PLAIN, Where::Outside),
            CALL,
            Advance(110),
            CALL,
        ],
    ];
    // What is not to be kept, as the first value and as the one behind another.
    let unkept = [absent, unkept, lease(0), lease(10), lease(40)].map(|state| {
        [
            [
                Invalidate,
                Database(state),
                CALL,
                CALL,
                Twice(PLAIN),
                Advance(5),
                CALL,
                Advance(30),
            ]
            .as_slice(),
            &[
                CALL,
                Database(good),
                CALL,
                Advance(110),
                Database(state),
                CALL,
                CALL,
                Database(down),
                CALL,
            ],
            &[
                Database(good),
                Invalidate,
                CALL,
                Advance(170),
                Database(state),
                CALL,
                CALL,
                Database(down),
                CALL,
            ],
            &[
                Database(good),
                CALL,
                Advance(170),
                Database(state),
                slow(false),
                CALL,
                Database(down),
                CALL,
            ],
            &[
                Database(good),
                Invalidate,
                CALL,
                Advance(85),
                Database(state),
                CALL,
                CALL,
                Advance(20),
                CALL,
            ],
        ]
        .concat()
    });
    parts
        .into_iter()
        .flatten()
        .copied()
        .chain(unkept.concat())
        .collect()
}

/// Steps by chance.
pub(crate) fn drawn(seed: u64, steps: usize) -> Vec<Step> {
    let mut dice = Dice(seed);
    (0..steps).map(|_| draw(&mut dice)).collect()
}

fn draw(dice: &mut Dice) -> Step {
    let call = Call {
        note: dice.pick(&[0, 0, 0, 1]),
        tenant: dice.pick(&[1, 1, 1, 2]),
        bypass: dice.below(8) == 0,
    };
    match dice.below(36) {
        0..14 => Call(call, Where::Outside),
        14 => Call(call, Where::Inside),
        15 => Call(call, Where::Off),
        16..20 => Advance(dice.pick(&[1, 2, 5, 10, 30, 60])),
        20..24 => Advance(dice.pick(&[85, 110, 170, 270, 320, 400, 700])),
        24..27 => Database(State {
            is_down: dice.below(4) == 0,
            is_absent: dice.below(4) == 0,
            lease: dice.pick(&[0, 10, 40, 105, 105, 1_000]),
            is_kept: dice.below(4) > 0,
        }),
        27 | 28 => Slow {
            call,
            is_invalidated: dice.below(3) == 0,
        },
        29 => Twice(call),
        30 => Invalidate,
        31..34 => Write(call, Where::Outside),
        34 => Write(call, dice.pick(&[Where::Inside, Where::Off])),
        _ => InvalidateTag,
    }
}
