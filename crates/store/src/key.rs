//! Hashes that name things. The store compares them and never looks inside.

use std::fmt;

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
