//! Ids.

use meshhook_store::Moment;

/// The alphabet of Crockford's base 32: no letter is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new id: `prefix` and 26 characters, 130 random bits.
///
/// # Panics
/// When the operating system has no randomness to give: nothing that follows would be sound.
#[must_use]
pub fn new_id(prefix: &str) -> String {
    prefix.chars().chain(random::<26>()).collect()
}

/// A new id of a delivery that comes now: as long as any other, 80 random bits behind the milliseconds. So ids sort by
/// time, and a store enters each at the end of its index, however many it has.
///
/// # Panics
/// As [`new_id`].
#[must_use]
pub fn new_delivery_id(now: Moment) -> String {
    let millis = now.millis();
    let time = (0..10).rev().map(|digit| letter(millis >> (5 * digit)));
    "d_".chars().chain(time).chain(random::<16>()).collect()
}

fn random<const N: usize>() -> impl Iterator<Item = char> {
    let mut random = [0; N];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    random.into_iter().map(letter)
}

/// The letter of the lowest five bits.
fn letter(number: impl Into<i64>) -> char {
    let digit = usize::try_from(number.into() & 31).expect("five bits are no negative number");
    char::from(ALPHABET[digit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_fit_everywhere() {
        let (a, b) = (new_id("d_"), new_id("d_"));
        assert_ne!(a, b);
        assert_eq!(a.len(), 28);
        assert!(a.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }

    #[test]
    fn a_later_delivery_has_a_later_id() {
        let ids = [0, 31, 32, 1_790_000_000_000, 1_790_000_000_001, (1 << 50) - 1].map(Moment::from_millis);
        let ids = ids.map(new_delivery_id);
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == new_id("d_").len()), "{ids:?}");
        assert_ne!(ids[3], new_delivery_id(Moment::from_millis(1_790_000_000_000)));
    }
}
