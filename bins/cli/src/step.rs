//! What is left to do after a command: words, or another command.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::Output;

/// One thing to do.
pub(crate) enum Step {
    Words(String),
    Command(String),
}

impl Step {
    fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Command(text) => text,
        }
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Words(text) => json!({ "do": text }),
            Self::Command(text) => json!({ "run": text }),
        }
    }
}

/// Tells them, numbered.
pub(crate) fn tell(steps: &[Step], output: &mut Output<'_>) -> Result<(), Failure> {
    output.line("what is left to do:")?;
    steps.iter().enumerate().try_for_each(|(i, step)| output.line(&format!("{:>3}. {}", i + 1, step.text())))
}
