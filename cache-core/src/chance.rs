//! Dice for what spreads load: how early to refresh, by how much to shorten a ttl, which hit to verify.
//!
//! Nothing that must not be guessed is drawn here; nonces come from the operating system.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Parts in a whole, for the shares that attributes give: data in a `const` setter can't be a float.
pub(crate) const WHOLE: u32 = 1_000_000;

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(()) | 1);
}

/// A number from 0 up to, and without, 1.
pub(crate) fn draw() -> f64 {
    // On a thread that ends, the middle does.
    let bits = STATE.try_with(|state| {
        let next = xorshift(state.get());
        state.set(next);
        next.wrapping_mul(0x2545_F491_4F6C_DD1D)
    });
    let bits = bits.unwrap_or(1 << 63);
    // 53 bits are what a float holds.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Whether something happens that does in this share of all cases.
#[cold]
pub(crate) fn happens(ppm: u32) -> bool {
    ppm > 0 && draw() < f64::from(ppm) / f64::from(WHOLE)
}

/// A time that was drawn between `time` without this share of it, and `time` itself.
pub(crate) fn shortened(time: Duration, ppm: u32) -> Duration {
    let share = f64::from(ppm) / f64::from(WHOLE);
    // A float is not exact to the last nanosecond.
    time.mul_f64(1.0 - share * draw()).min(time)
}

/// The step of Vigna's xorshift64*, which never comes to zero from anything else.
fn xorshift(mut state: u64) -> u64 {
    state ^= state >> 12;
    state ^= state << 25;
    state ^ (state >> 27)
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for _ in 0..100_000 {
            tenths[(draw() * 10.0) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|count| (9_000..11_000).contains(count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn times_are_shortened_by_at_most_their_share_and_never_lengthened() {
        let hour = Duration::from_secs(3_600);
        let times: Vec<_> = (0..10_000).map(|_| shortened(hour, 250_000)).collect();
        assert!(
            times
                .iter()
                .all(|time| (hour * 3 / 4..=hour).contains(time))
        );
        let tenth = |of: u32| hour * 3 / 4 + hour * of / 40;
        for of in 0..10 {
            let here = times
                .iter()
                .filter(|time| (tenth(of)..tenth(of + 1)).contains(*time));
            let here = here.count();
            assert!((800..1_200).contains(&here), "tenth {of}: {here}");
        }
        for nanos in 0..1_000 {
            let time = Duration::new(2_592_000, 0) - Duration::from_nanos(nanos);
            assert!(shortened(time, 1) <= time);
        }
    }

    #[test]
    fn shares_of_nothing_and_of_everything_are_certain() {
        assert!((0..1_000).all(|_| !happens(0)));
        assert!((0..1_000).all(|_| happens(WHOLE)));
    }
}
