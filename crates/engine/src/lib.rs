#![doc = include_str!("../README.md")]

mod admit;
mod answer;
mod attempt;
mod audit;
mod backoff;
mod bell;
mod clock;
mod commit;
mod count;
mod engine;
mod fate;
mod freeze;
mod id;
mod identity;
mod lane;
mod line;
mod observe;
mod plan;
mod raw;
mod room;
mod session;
mod upkeep;

pub use admit::{Admission, Arrival, Refusal, Source, admit};
pub use answer::Answer;
pub use clock::{Clock, SystemClock};
pub use commit::{CommitError, Reply};
pub use count::Count;
pub use engine::{Engine, EngineError, Settings};
pub use freeze::{Look, freeze};
pub use id::new_id;
pub use observe::{Observer, Sight};
pub use plan::{Digest, plan};
pub use room::Encrypted;
pub use session::{Sending, TokenSource};
