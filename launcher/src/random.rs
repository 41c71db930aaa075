//! Counter-based random numbers: a value depends on what it is for, never on how many were drawn before it.

/// Golden-ratio increment of `SplitMix64`.
const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;

/// A 64-bit key of an ordered list of numbers, such as `[seed, step, row]`.
///
/// # Source
/// `SplitMix64`'s finaliser (Steele et al., 2014, *Fast splittable pseudorandom number generators*), one round a part.
#[must_use]
pub fn key(parts: &[u64]) -> u64 {
    parts.iter().fold(INCREMENT, |state, part| finalise(state.wrapping_add(INCREMENT) ^ finalise(part ^ INCREMENT)))
}

/// A stream of numbers that starts from a [`key`].
#[derive(Debug, Clone)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream of a list of numbers.
    #[must_use]
    pub fn new(parts: &[u64]) -> Self {
        Self { state: key(parts) }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(INCREMENT);
        finalise(self.state)
    }

    /// A number in `[0, 1)`, with 24 bits, so that it is exact in `f32`.
    #[expect(clippy::cast_precision_loss, reason = "24 bits are exact in f32")]
    pub fn unit_f32(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / 16_777_216.0
    }

    /// A number in `0..bound`; the bias is below `bound / 2⁶⁴`.
    #[expect(clippy::cast_possible_truncation, reason = "the high half of the product is below `bound`")]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Puts `items` in a random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

fn finalise(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_order_and_length() {
        let keys = [key(&[1, 2]), key(&[2, 1]), key(&[1, 2, 0]), key(&[1]), key(&[])];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_repeats_with_its_seed() {
        let order = |seed| {
            let mut items: Vec<usize> = (0..100).collect();
            Stream::new(&[seed]).shuffle(&mut items);
            items
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let mut sorted = order(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn units_have_the_mean_and_range_of_a_uniform_draw() {
        let mut stream = Stream::new(&[7]);
        let draws: Vec<f32> = (0..100_000).map(|_| stream.unit_f32()).collect();
        let mean = draws.iter().sum::<f32>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.005, "mean {mean}");
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
    }
}
