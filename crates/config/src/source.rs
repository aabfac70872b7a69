//! `[[source]]`: who may post, and how it proves who it is.

use std::path::PathBuf;

use meshhook_model::{State, Text, Unit};
use meshhook_normalize::{Provider, Reader};
use meshhook_verify::Verifier;

use crate::change::Mark;
use crate::document::{Placed, Report, Section, Value};
use crate::fault::Wrong;
use crate::fields::{fields, states};
use crate::matrix::room;
use crate::nearest::unknown;
use crate::network::{Networks, network};
use crate::only::{Only, only};
use crate::scheme;
use crate::shared::Secrets;
use crate::value::{self, label, name, text, word};

/// One `[[source]]`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Source {
    /// Its name, which stands in the path that it posts to: `[a-z0-9][a-z0-9_-]{0,31}`, unique.
    pub name: String,
    /// Whose bodies it sends, and how they are read.
    pub reader: Reader,
    /// Its scheme and all its keys, each labelled with its file's name as gateway.toml has it.
    pub verifier: Verifier,
    /// The files of its keys.
    pub secret_files: Vec<PathBuf>,
    /// What tells the content of each from another, by the file's name as gateway.toml has it.
    pub(crate) marks: Vec<(String, Mark)>,
    /// Where it may post from; empty means anywhere.
    pub allow_from: Networks,
    /// Whether it may post from anywhere although its scheme proves nothing of the body.
    pub allow_any_address: bool,
    /// Its own machine, where it has one.
    pub node: Option<Text>,
    /// What it announces.
    pub units: Vec<Unit>,
    /// Which of that.
    pub only: Only,
    /// The room it is announced in.
    pub room: String,
    /// What its subjects are counted under: its name, unless it shares them with another source on purpose.
    pub dedupe_scope: String,
}

/// Reads every source, and the names of those too that cannot be; `default_room` is the room of those that name none.
pub(crate) fn read(
    sections: Vec<Section<'_>>,
    report: &Report,
    default_room: Option<&str>,
    secrets: &Secrets<'_>,
) -> (Vec<String>, Vec<Source>) {
    let numbered = sections.into_iter().enumerate();
    let drafts: Vec<_> = numbered.map(|(i, section)| Draft::read(section, i + 1, secrets)).collect();
    for (i, later) in drafts.iter().enumerate() {
        later.compare(&drafts[..i], report);
    }
    let names = drafts.iter().filter_map(Draft::name).cloned().collect();
    (names, drafts.into_iter().filter_map(|draft| draft.finish(default_room)).collect())
}

/// A source as far as it could be read.
struct Draft {
    name: Option<Placed<String>>,
    provider: Option<&'static Provider>,
    reader: Option<Reader>,
    verifier: Option<Verifier>,
    secret_files: Vec<PathBuf>,
    marks: Vec<(String, Mark)>,
    allow_from: Networks,
    allow_any_address: bool,
    node: Option<Text>,
    units: Vec<Unit>,
    only: Only,
    room: Option<String>,
    dedupe_scope: Option<String>,
}

impl Draft {
    fn read(mut section: Section<'_>, number: usize, secrets: &Secrets<'_>) -> Self {
        let name = section.placed("name", name);
        let owner = name.as_ref().map_or("without a name", |name| &name.value);
        let owner = format!("source {number} ({owner})");
        let provider = section.get("provider", provider);
        let scheme = scheme::read(&mut section, provider);
        let keys = scheme::keys(&mut section, scheme, &owner, secrets);
        let allow_from = Networks::of(section.values("allow_from", network).unwrap_or_default());
        let allow_any_address = scheme::from_anywhere(&mut section, scheme, &allow_from);
        let only = only(section.section("only"));
        scheme::check_repos(&section, scheme, &only.repos);
        let units = units(&mut section, provider);
        check_forks(&section, provider, &units, &only);
        let draft = Self {
            name,
            provider,
            reader: reader(&mut section, provider),
            verifier: scheme.and_then(|scheme| scheme::verifier(&section, scheme, &keys)),
            marks: keys.iter().map(|named| named.value.mark()).collect(),
            secret_files: keys.into_iter().map(|named| named.value.path).collect(),
            allow_from,
            allow_any_address,
            node: section.get("node", label),
            units,
            only,
            room: section.get("room", room),
            dedupe_scope: section.get("dedupe_scope", value::name),
        };
        section.need("name", "add name = \"…\", the last part of the path that the source posts to");
        section.need("provider", "add provider = \"github\", or \"standard\" for our own format");
        section.need(
            "secret_files",
            "add secret_files = [\"…\"], and what the sender signs with into that file",
        );
        section.finish();
        draft
    }

    /// Reports what does not go together with the sources before it.
    fn compare(&self, earlier: &[Self], report: &Report) {
        let Some(Placed { value: name, span }) = &self.name else { return };
        if earlier.iter().any(|other| other.name() == Some(name)) {
            let wrong = Wrong::new("another source has the same name", "give each a name of its own");
            report.fault(Some(span), wrong.of(&format!("[[source]] {name}")));
        } else if let Some(other) = earlier.iter().find(|other| self.may_repeat(other)).and_then(Self::name) {
            let wrong = Wrong::new(
                format!("{other} has the same provider: a run that both report is announced twice"),
                "let them report different repositories, or share one dedupe_scope on purpose",
            );
            report.warn(Some(span), wrong.of(&format!("[[source]] {name}")));
        }
        if let Some(other) = earlier.iter().find(|other| self.would_silence(other)).and_then(Self::name) {
            let wrong = Wrong::new(
                format!(
                    "it shares the dedupe_scope of {other}, and other changes are said of it: what comes first \
                     through the one, and changes nothing there, the other could not say"
                ),
                "write the same changes and states in only for both, or give each a dedupe_scope of its own",
            );
            report.fault(Some(span), wrong.of(&format!("[[source]] {name}")));
        }
    }

    fn name(&self) -> Option<&String> {
        self.name.as_ref().map(|name| &name.value)
    }

    fn scope(&self) -> Option<&String> {
        self.dedupe_scope.as_ref().or_else(|| self.name())
    }

    fn may_repeat(&self, other: &Self) -> bool {
        let provider = |draft: &Self| draft.provider.map(Provider::name);
        // Of what anybody can send each machine has a source of its own.
        let of_system = provider(self).is_some_and(|name| !matches!(name, "standard" | "generic"));
        of_system && provider(self) == provider(other) && self.scope() != other.scope()
    }

    /// Whether the one marks as said what the other still had to say, or has it compared with less than it had to be:
    /// what changes nothing keeps the mark of its scope, and only what is said for changes is remembered.
    fn would_silence(&self, other: &Self) -> bool {
        let said = |only: &Only| (only.changes, State::ALL.map(|state| only.states.contains(&state)));
        let changes = self.only.changes || other.only.changes;
        changes
            && self.scope().is_some()
            && self.scope() == other.scope()
            && said(&self.only) != said(&other.only)
    }

    fn finish(self, default_room: Option<&str>) -> Option<Source> {
        let name = self.name?.value;
        Some(Source {
            reader: self.reader?,
            verifier: self.verifier?,
            secret_files: self.secret_files,
            marks: self.marks,
            allow_from: self.allow_from,
            allow_any_address: self.allow_any_address,
            node: self.node,
            units: self.units,
            only: self.only,
            room: self.room.or_else(|| default_room.map(ToOwned::to_owned))?,
            dedupe_scope: self.dedupe_scope.unwrap_or_else(|| name.clone()),
            name,
        })
    }
}

/// How the bodies are read: by the provider, with the operator's meanings for some words; or by a map of the fields.
fn reader(section: &mut Section<'_>, provider: Option<&'static Provider>) -> Option<Reader> {
    let words = states(section.section("states"));
    let mapped = section.has("fields");
    let provider = provider?;
    if provider.name() == Provider::GENERIC.name() {
        section.need(
            "fields",
            "add [source.fields] with workflow, state and run_id: where they are in the body",
        );
        return mapped.then(|| Reader::mapped(fields(section.section("fields")), words));
    }
    let reader = Reader::new(provider).with_words(words);
    if mapped {
        let hint = "leave it out, or write provider = \"generic\"";
        section.fault(Wrong::new("fields are mapped for the provider generic only", hint));
    }
    Some(reader)
}

/// Systems that post no build status of their own.
const SILENT: [&str; 3] = ["argo", "codemagic", "woodpecker"];
const SILENT_HINT: &str = "it posts no status of its own: let a step of the build post our own format, with \
                           provider = \"standard\" (docs/providers)";

pub(crate) fn provider(value: &Value<'_>) -> Result<&'static Provider, Wrong> {
    let name = text(value)?;
    Provider::by_name(name).ok_or_else(|| {
        let known: Vec<_> = Provider::ALL.iter().chain([&Provider::GENERIC]).map(|p| p.name()).collect();
        let wrong = unknown("value", name, &known);
        if SILENT.contains(&name) { wrong.hinted(SILENT_HINT) } else { wrong }
    })
}

/// A filter that cannot do what it seems to is said.
fn check_forks(section: &Section<'_>, provider: Option<&Provider>, units: &[Unit], only: &Only) {
    let Some(provider) = provider else { return };
    let untold = provider.forks_untold().iter().filter(|unit| units.contains(unit));
    let untold: Vec<_> = untold.map(|unit| unit.as_str()).collect();
    if !untold.is_empty() && (only.hide_forks || only.changes || !only.branches.is_empty()) {
        let message = format!(
            "{} does not tell of every {} whether its branch is a fork's: a stranger's main may pass for yours",
            provider.name(),
            untold.join(", ")
        );
        section.warn(Wrong::new(
            message,
            "leave them out of units where only is about branches: a run tells it",
        ));
    }
}

/// The units; those of the provider where none are named.
fn units(section: &mut Section<'_>, provider: Option<&Provider>) -> Vec<Unit> {
    let known = Unit::ALL.map(|unit| (unit.as_str(), unit));
    match section.filled_list("units", |value| word(value, &known)) {
        Some(list) => list.into_iter().map(|placed| placed.value).collect(),
        None => provider.map_or(&[][..], |provider| provider.units()).to_vec(),
    }
}
