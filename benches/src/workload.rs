//! The keys that a benchmark asks for, drawn beforehand.

/// Ranks drawn from Zipf's law with exponent 1, deterministic, as keys below `keys`.
///
/// The rank is spread over the keys by a fixed permutation, so that popular keys aren't neighbours in any table.
///
/// # Panics
///
/// If `keys` is 0 or a multiple of 7,919, the prime that spreads the ranks.
#[must_use]
pub fn zipf(keys: u64, draws: usize) -> Vec<u64> {
    const SPREAD: u64 = 7_919;
    assert!(
        !keys.is_multiple_of(SPREAD),
        "{keys} keys can't be spread by a step of {SPREAD}"
    );
    let cumulative: Vec<f64> = (1..=keys)
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        })
        .collect();
    let total = cumulative[cumulative.len() - 1];
    let mut random = SplitMix(0x5eed);
    (0..draws)
        .map(|_| {
            let target = random.unit() * total;
            let rank = cumulative.partition_point(|&sum| sum <= target) as u64;
            rank * SPREAD % keys
        })
        .collect()
}

/// Sebastiano Vigna's SplitMix64: enough for drawing keys, and the same on every platform.
struct SplitMix(u64);

impl SplitMix {
    /// A number from 0 up to but without 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::zipf;

    #[test]
    fn the_first_rank_has_the_share_of_zipfs_law() {
        let (keys, draws) = (1_000_u64, 100_000);
        let harmonic: f64 = (1..=keys).map(|rank| 1.0 / rank as f64).sum();
        let drawn = zipf(keys, draws);
        let share = |key| drawn.iter().filter(|&&drawn| drawn == key).count() as f64 / draws as f64;
        assert!((share(0) - 1.0 / harmonic).abs() < 0.01, "{}", share(0));
        assert!(
            (share(7_919 % keys) - 0.5 / harmonic).abs() < 0.01,
            "{}",
            share(7_919 % keys)
        );
    }

    #[test]
    fn every_key_is_in_range_and_drawing_is_repeatable() {
        let drawn = zipf(100, 10_000);
        assert!(drawn.iter().all(|&key| key < 100));
        assert_eq!(drawn, zipf(100, 10_000));
    }
}
