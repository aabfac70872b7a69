//! What a measurement found: said at once, and written to a file at the end.

use std::fs;
use std::path::PathBuf;

use meshhook_testkit::target_dir;

use crate::rows::{Row, lines, table};

/// The lines and tables of one measurement.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    text: String,
    is_clean: bool,
}

impl Report {
    /// One that is written to `target/load/{name}.md`.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, text: String::new(), is_clean: true }
    }

    /// Says a line, and keeps it.
    pub(crate) fn say(&mut self, line: &str) {
        println!("{line}");
        self.text += line.trim_start();
        self.text += "\n\n";
    }

    /// Says what is wrong: something was lost, or could not be measured.
    pub(crate) fn fault(&mut self, words: &str) {
        self.is_clean = false;
        self.say(&format!("  ✗ {words}"));
    }

    /// As [`Self::fault`], unless that is so.
    pub(crate) fn expect(&mut self, is_so: bool, words: impl FnOnce() -> String) {
        if !is_so {
            self.fault(&words());
        }
    }

    /// Says the loads of several programs as lines under a heading, and keeps them as a table.
    pub(crate) fn compare(&mut self, title: &str, heading: &str, rows: &[Row], bases: &[&Row]) {
        println!("\n{heading}:\n{}", lines(rows, bases).trim_end());
        self.text += &table(title, rows, bases);
        self.is_clean &= rows.iter().all(|row| row.faults().is_none());
    }

    /// Writes it; true when nothing was wrong.
    pub(crate) fn finish(self) -> Result<bool, String> {
        let file = folder().join(self.name).with_extension("md");
        let written = fs::create_dir_all(folder()).and_then(|()| fs::write(&file, &self.text));
        written.map_err(|e| format!("cannot write {}: {e}", file.display()))?;
        println!("\nIt is in target/load/{}.md, too.", self.name);
        Ok(self.is_clean)
    }
}

/// Where measurements write.
pub(crate) fn folder() -> PathBuf {
    target_dir().join("load")
}
