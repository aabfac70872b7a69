//! Random ids.

/// The alphabet of Crockford's base 32: no letter is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new id: `prefix` and 26 characters, 130 random bits.
///
/// # Panics
/// When the operating system has no randomness to give: nothing that follows would be sound.
#[must_use]
pub fn new_id(prefix: &str) -> String {
    let mut random = [0; 26];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).fold(
        prefix.to_owned(),
        |mut id, c| {
            id.push(c);
            id
        },
    )
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
}
