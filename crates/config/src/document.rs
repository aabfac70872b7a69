//! gateway.toml as tables that know their lines, are asked key by key, and report what nobody asked for.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, Faults, Wrong};
use crate::nearest::unknown;

/// A value of the file, as yet of any type.
pub(crate) type Value<'d> = DeValue<'d>;
/// Where in the file something stands, in bytes.
pub(crate) type Span = Range<usize>;

/// Collects faults and warnings, with the lines they stand in.
pub(crate) struct Report {
    file: PathBuf,
    /// Where each line but the first begins.
    lines: Vec<usize>,
    /// After a syntax fault, what is missing may only be unread.
    damaged: bool,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
}

impl Report {
    fn new(file: &Path, text: &str) -> Self {
        let lines = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self {
            file: file.to_owned(),
            lines,
            damaged: false,
            faults: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    fn line(&self, span: &Span) -> usize {
        self.lines.partition_point(|start| *start <= span.start) + 1
    }

    pub(crate) fn fault(&self, span: Option<&Span>, wrong: Wrong) {
        self.faults.borrow_mut().push(Fault::new(&self.file, span.map(|s| self.line(s)), wrong));
    }

    pub(crate) fn warn(&self, span: Option<&Span>, wrong: Wrong) {
        self.warnings.borrow_mut().push(Fault::new(&self.file, span.map(|s| self.line(s)), wrong));
    }

    /// The same but for the faults that are a file which is not there.
    pub(crate) fn without_missing_files(self) -> Self {
        self.faults.borrow_mut().retain(|fault| !fault.is_missing_file());
        self
    }

    /// The warnings, or the faults where there are any.
    pub(crate) fn finish(self) -> Result<Vec<Fault>, Faults> {
        Faults::none(self.faults.into_inner())?;
        let mut warnings = self.warnings.into_inner();
        warnings.sort_by_key(Fault::line);
        Ok(warnings)
    }
}

/// Parses as much of `text` as can be, and reports the rest.
pub(crate) fn parse<'d>(file: &Path, text: &'d str) -> (DeTable<'d>, Report) {
    let (table, mut errors) = DeTable::parse_recoverable(text);
    let mut report = Report::new(file, text);
    report.damaged = !errors.is_empty();
    // What follows the first fault of a line is mostly its consequence.
    errors.dedup_by_key(|error| error.span().map(|span| report.line(&span)));
    for error in errors {
        let wrong = Wrong::new(
            format!("not TOML: {}", error.message()),
            "gateway.toml is TOML 1.1: [tables], key = value, texts in double quotes (https://toml.io)",
        );
        report.fault(error.span().as_ref(), wrong);
    }
    (table.into_inner(), report)
}

/// One table of the file; one that is not there is empty.
pub(crate) struct Section<'d> {
    report: &'d Report,
    name: String,
    span: Option<Span>,
    table: Option<&'d DeTable<'d>>,
    known: Vec<&'static str>,
}

/// A value and where it stands.
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<'d> Section<'d> {
    /// The whole file.
    pub(crate) fn root(report: &'d Report, table: &'d DeTable<'d>) -> Self {
        Self { report, name: String::new(), span: None, table: Some(table), known: Vec::new() }
    }

    fn child(&self, name: String, item: Option<&'d Spanned<Value<'d>>>) -> Self {
        let table = item.and_then(|item| item.get_ref().as_table());
        let section =
            Self { report: self.report, name, span: item.map(Spanned::span), table, known: Vec::new() };
        if item.is_some() && table.is_none() {
            section.fault(Wrong::new(
                "a table is expected",
                format!("write {} on a line of its own", section.name),
            ));
        }
        section
    }

    fn item(&mut self, key: &'static str) -> Option<&'d Spanned<Value<'d>>> {
        self.known.push(key);
        self.table?.get(key)
    }

    /// A fault of the section as a whole.
    pub(crate) fn fault(&self, wrong: Wrong) {
        self.report.fault(self.span.as_ref(), self.named(wrong));
    }

    fn named(&self, wrong: Wrong) -> Wrong {
        if self.name.is_empty() { wrong } else { wrong.of(&self.name) }
    }

    /// A fault of the value of `key` that stands at `span`.
    pub(crate) fn fault_at(&self, span: &Span, key: &str, wrong: Wrong) {
        self.report.fault(Some(span), wrong.of(&format!("{} {key}", self.name)));
    }

    /// A warning about the section as a whole.
    pub(crate) fn warn(&self, wrong: Wrong) {
        self.report.warn(self.span.as_ref(), wrong.of(&self.name));
    }

    /// A warning about the value of `key` that stands at `span`.
    pub(crate) fn warn_at(&self, span: &Span, key: &str, wrong: Wrong) {
        self.report.warn(Some(span), wrong.of(&format!("{} {key}", self.name)));
    }

    /// The sub-table `key`.
    pub(crate) fn section(&mut self, key: &'static str) -> Self {
        let item = self.item(key);
        let parent = self.name.trim_matches(['[', ']']);
        let name = if parent.is_empty() { format!("[{key}]") } else { format!("[{parent}.{key}]") };
        self.child(name, item)
    }

    /// The array of tables `key`; one that is there is not empty, or reported.
    pub(crate) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let name = format!("[[{key}]]");
        let Some(item) = self.item(key) else { return Vec::new() };
        match item.get_ref().as_array() {
            Some(array) if !array.is_empty() => {
                array.iter().map(|item| self.child(name.clone(), Some(item))).collect()
            }
            _ => {
                let wrong =
                    Wrong::new("a list of tables is expected", format!("write {name}, with two brackets"));
                self.report.fault(Some(&item.span()), wrong.of(key));
                Vec::new()
            }
        }
    }

    /// The value of `key`, with its place; `None` where it is absent, or wrong and reported.
    pub(crate) fn placed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'d>) -> Result<T, Wrong>,
    ) -> Option<Placed<T>> {
        let item = self.item(key)?;
        let span = item.span();
        match read(item.get_ref()) {
            Ok(value) => Some(Placed { value, span }),
            Err(wrong) => {
                self.fault_at(&span, key, wrong);
                None
            }
        }
    }

    /// The value of `key`; `None` where it is absent, or wrong and reported.
    pub(crate) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'d>) -> Result<T, Wrong>,
    ) -> Option<T> {
        self.placed(key, read).map(|placed| placed.value)
    }

    /// Reports `key` as missing where it is, with `hint`.
    pub(crate) fn need(&self, key: &'static str, hint: &str) {
        let unread = self.report.damaged || (self.span.is_some() && self.table.is_none());
        if !unread && !self.table.is_some_and(|table| table.contains_key(key)) {
            self.fault(Wrong::new(format!("{key} is missing"), hint));
        }
    }

    /// Each item of the list `key` that can be read, the others reported; `None` where there is no list.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&Value<'d>) -> Result<T, Wrong>,
    ) -> Option<Vec<Placed<T>>> {
        let item = self.item(key)?;
        let Some(array) = item.get_ref().as_array() else {
            let wrong = Wrong::new("a list is expected", "put it into brackets: [\"…\", \"…\"]");
            self.fault_at(&item.span(), key, wrong);
            return None;
        };
        let mut values = Vec::new();
        for (i, item) in array.iter().enumerate() {
            let span = item.span();
            match read(item.get_ref()) {
                Ok(value) => values.push(Placed { value, span }),
                Err(wrong) => self.fault_at(&span, &format!("{key}, entry {}", i + 1), wrong),
            }
        }
        Some(values)
    }

    /// The value of `key`, or each item of the list that it is, the wrong ones reported; nothing where it is absent.
    pub(crate) fn one_or_more<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(&Value<'d>) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let is_list = self.item(key).is_some_and(|item| item.get_ref().is_array());
        let values = match is_list {
            true => self.filled_list(key, read).unwrap_or_default(),
            false => self.placed(key, read).into_iter().collect(),
        };
        values.into_iter().map(|placed| placed.value).collect()
    }

    /// As [`Self::list`], for a list that may not be empty.
    pub(crate) fn filled_list<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(&Value<'d>) -> Result<T, Wrong>,
    ) -> Option<Vec<Placed<T>>> {
        let list = self.list(key, read)?;
        let item = self.table?.get(key)?;
        if item.get_ref().as_array().is_some_and(|array| array.is_empty()) {
            self.fault_at(&item.span(), key, Wrong::new("the list is empty", "name at least one"));
        }
        Some(list)
    }

    /// As [`Self::list`], without their places.
    pub(crate) fn values<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(&Value<'d>) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        self.list(key, read).map(|list| list.into_iter().map(|placed| placed.value).collect())
    }

    /// Every key of a table whose keys are the operator's own, with its value, the wrong ones reported.
    pub(crate) fn entries<T>(self, mut read: impl FnMut(&Value<'d>) -> Result<T, Wrong>) -> Vec<(String, T)> {
        let mut entries = Vec::new();
        for (key, item) in self.table.into_iter().flatten() {
            match read(item.get_ref()) {
                Ok(value) => entries.push((key.get_ref().to_string(), value)),
                Err(wrong) => self.fault_at(&item.span(), key.get_ref(), wrong),
            }
        }
        entries
    }

    /// Whether there is such a key; it counts as asked for.
    pub(crate) fn has(&mut self, key: &'static str) -> bool {
        self.item(key).is_some()
    }

    /// Whether the section stands in the file.
    pub(crate) const fn is_there(&self) -> bool {
        self.span.is_some()
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(self) {
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref();
            if !self.known.contains(&name.as_ref()) {
                let wrong = unknown("key", name, &self.known);
                self.report.fault(Some(&key.span()), self.named(wrong));
            }
        }
    }
}
