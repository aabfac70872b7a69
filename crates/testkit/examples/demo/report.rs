//! What the demo says while it runs.

use std::process::ExitCode;

/// Steps and checks, printed as they happen.
#[derive(Default)]
pub(crate) struct Report {
    steps: u32,
    checks: u32,
    failed: Vec<String>,
}

impl Report {
    pub(crate) fn step(&mut self, what: &str) {
        self.steps += 1;
        println!("\n{}. {what}", self.steps);
    }

    pub(crate) fn note(&self, what: &str) {
        println!("   {what}");
    }

    pub(crate) fn check(&mut self, what: &str, holds: bool) {
        self.checks += 1;
        println!("   {} {what}", if holds { "✓" } else { "✗" });
        if !holds {
            self.failed.push(what.to_owned());
        }
    }

    pub(crate) fn verdict(&self) -> ExitCode {
        if self.failed.is_empty() {
            println!("\nAll {} checks hold.", self.checks);
            return ExitCode::SUCCESS;
        }
        println!("\n{} of {} checks failed:", self.failed.len(), self.checks);
        for check in &self.failed {
            println!("   ✗ {check}");
        }
        ExitCode::FAILURE
    }
}
