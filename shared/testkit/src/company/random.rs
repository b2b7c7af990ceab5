//! The source of every draw: xoshiro256**, seeded by splitmix64. Integers only.

/// A stream of pseudo-random numbers.
pub(super) struct Random([u64; 4]);

impl Random {
    /// The stream of one subject: seeds that differ by subject give unrelated streams.
    pub(super) fn of(seed: u64, subject: &str) -> Self {
        let mut state = subject.bytes().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
        });
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        let s = &mut self.0;
        let drawn = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        drawn
    }

    /// A number in `0..limit`; 0 if the limit is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        // The high half of the product is below the limit, so nothing is lost.
        ((u128::from(self.bits()) * u128::from(limit)) >> 64) as u64
    }

    /// [`Self::below`] for the numbers of people and table rows.
    pub(super) fn below_u32(&mut self, limit: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation)]
        let drawn = self.below(u64::from(limit)) as u32;
        drawn
    }

    /// Whether something that happens `share` times in a thousand happens now.
    pub(super) fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// The position of one of `weights`, drawn in proportion to them.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u64> + Clone) -> usize {
        let mut rest = self.below(weights.clone().sum());
        for (position, weight) in weights.enumerate() {
            if rest < weight {
                return position;
            }
            rest -= weight;
        }
        0
    }

    /// The position of a row in a table of at most 256.
    pub(super) fn row(&mut self, rows: usize) -> u8 {
        u8::try_from(self.below(rows as u64)).unwrap_or_default()
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ_by_subject_and_seed() {
        let drawn = |seed, subject| {
            let mut random = Random::of(seed, subject);
            [random.bits(), random.bits(), random.bits()]
        };
        assert_eq!(drawn(7, "shape"), drawn(7, "shape"));
        assert_ne!(drawn(7, "shape"), drawn(8, "shape"));
        assert_ne!(drawn(7, "shape"), drawn(7, "people"));
    }

    #[test]
    fn the_seeding_is_splitmix64() {
        // The first outputs of the reference implementation for the seed 0.
        let mut state = 0;
        assert_eq!(split_mix(&mut state), 0xe220_a839_7b1d_cdaf);
        assert_eq!(split_mix(&mut state), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn weights_are_kept_to() {
        let mut random = Random::of(1, "weights");
        let mut drawn = [0_u32; 3];
        for _ in 0..10_000 {
            drawn[random.weighted([1, 0, 3].into_iter())] += 1;
        }
        assert_eq!(drawn[1], 0);
        assert!((2_300..2_700).contains(&drawn[0]), "{drawn:?}");
    }
}
