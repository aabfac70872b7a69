//! Chance that can be had again: the same seed gives the same throws.

use std::time::Duration;

/// A small generator of random numbers (SplitMix64), for tests only.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The throws of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Other throws of the same seed, for somebody of that name: who throws in a thread of their own must not share.
    #[must_use]
    pub fn of(seed: u64, name: &str) -> Self {
        let start = name.bytes().fold(seed, |state, byte| Self(state ^ u64::from(byte)).throw());
        Self(start)
    }

    /// Any number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one less than `end`.
    ///
    /// # Panics
    /// When `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.throw() % end
    }

    /// An index of something that has so many.
    ///
    /// # Panics
    /// When `len` is 0.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("less than a usize")
    }

    /// True once in so many throws.
    pub fn one_in(&mut self, throws: u64) -> bool {
        self.below(throws) == 0
    }

    /// A time of at least `from` and less than `to`.
    ///
    /// # Panics
    /// When there is not a millisecond between them.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from((to - from).as_millis()).expect("a time of tests");
        from + Duration::from_millis(self.below(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_name_give_the_same_throws_again() {
        let throws = |mut dice: Dice| [dice.throw(), dice.throw(), dice.below(6)];
        assert_eq!(throws(Dice::of(7, "a")), throws(Dice::of(7, "a")));
        assert_ne!(throws(Dice::of(7, "a")), throws(Dice::of(7, "b")));
        assert_ne!(throws(Dice::of(7, "a")), throws(Dice::of(8, "a")));
        // The first number that the generator's authors give for the seed 1234567.
        assert_eq!(Dice::new(1_234_567).throw(), 6_457_827_717_110_365_317);
    }

    #[test]
    fn throws_stay_in_their_bounds() {
        let mut dice = Dice::new(1);
        let (from, to) = (Duration::from_millis(3), Duration::from_millis(5));
        let times: Vec<_> = (0..100).map(|_| dice.between(from, to)).collect();
        assert!(times.iter().all(|time| (from..to).contains(time)));
        assert!(times.contains(&from) && times.iter().any(|time| *time > from));
    }
}
