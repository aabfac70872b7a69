//! Hashes that name things. The store compares them and never looks inside.

use std::fmt;
use std::str::FromStr;

macro_rules! hash_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        /// From the form in which it is shown: 64 hexadecimal digits.
        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(());
                }
                let mut bytes = [0; 32];
                for (i, byte) in bytes.iter_mut().enumerate() {
                    *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| ())?;
                }
                Ok(Self(bytes))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

hash_name! {
    /// What may be said once: the hash of scope, subject, round and state; or of source and body for what could
    /// not be read.
    Key
}
hash_name! {
    /// What is spoken about: the hash of scope, repository, run, unit and job.
    SubjectKey
}
hash_name! {
    /// The deliveries whose machines belong together: the hash of scope, repository, run and round.
    GroupKey
}

hash_name! {
    /// What is compared with its last time: the hash of scope, repository, workflow, unit, job and branch.
    BranchKey
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read() {
        let key = Key(std::array::from_fn(|i| u8::try_from(i * 7).unwrap_or(u8::MAX)));
        assert_eq!(key.to_string().parse(), Ok(key));
        let zeros = "0".repeat(64);
        assert_eq!(zeros.parse(), Ok(Key([0; 32])));
        for wrong in [
            "",
            &zeros[1..],
            &format!("{zeros}0"),
            &zeros.replacen("00", "+1", 1),
            &zeros.replacen("00", "é", 1),
        ] {
            assert_eq!(wrong.parse::<Key>(), Err(()), "{wrong}");
        }
    }
}
