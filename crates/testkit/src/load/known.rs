//! A store with as many remembered deliveries as are wanted: what a gateway wrote, many times over.
//!
//! Nothing here knows the schema but the columns by which rows name each other: whatever else a row has is copied, and
//! indexes are those that the file came with.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

use crate::Dice;

/// Pages that are kept in memory meanwhile, in KiB: keys are random, so that every page of their trees is hot.
const CACHE: u64 = 3 << 20;

/// As many digits as an id begins with after its prefix, where ids are in the order of their rows.
const ORDINAL: usize = 10;

/// Copies what is in the store of a gateway that does not run, under other keys, until it has at least so many
/// deliveries; how many it has then. Every one of them has to be in a message that is sent.
///
/// # Errors
/// When the store cannot be written; it is of no use then.
///
/// # Panics
/// When there is nothing in it to copy.
pub fn multiply(store: &Path, wanted: u64) -> Result<u64> {
    let db = Connection::open(store)?;
    // A file that is of no use when this fails needs no journal.
    db.execute_batch(&format!(
        "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
         PRAGMA foreign_keys = OFF; PRAGMA threads = 2; PRAGMA cache_size = -{}",
        wanted.clamp(1 << 16, CACHE)
    ))?;
    let mut copier = Copier::read(&db)?;
    let indexes = take_indexes(&db)?;
    db.execute_batch("BEGIN")?;
    while copier.count < wanted {
        copier.move_on();
        copier.insert(&db)?;
    }
    db.execute_batch("COMMIT")?;
    indexes.iter().try_for_each(|index| db.execute_batch(index))?;
    db.execute_batch("PRAGMA journal_mode = WAL")?;
    Ok(copier.count)
}

/// The schema of a store, as its file has it.
///
/// # Errors
/// When it cannot be read.
pub fn schema(store: &Path) -> Result<String> {
    let db = Connection::open(store)?;
    let parts: Vec<String> = db
        .prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY type, name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    Ok(parts.join(";\n"))
}

/// Drops the indexes that can be made again; the statements that do.
fn take_indexes(db: &Connection) -> Result<Vec<String>> {
    let all: Vec<(String, String)> = db
        .prepare(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL \
             AND tbl_name IN ('delivery', 'subject', 'message', 'attempt')",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    all.iter().try_for_each(|(name, _)| db.execute_batch(&format!("DROP INDEX {name}")))?;
    Ok(all.into_iter().map(|(_, sql)| sql).collect())
}

/// Rows of one table.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    fn read(db: &Connection, name: &'static str) -> Result<Self> {
        let mut all = db.prepare(&format!("SELECT * FROM {name}"))?;
        let columns: Vec<String> = all.column_names().map(str::to_owned).collect();
        let rows = all
            .query_map([], |row| (0..columns.len()).map(|column| row.get(column)).collect())?
            .collect::<Result<_>>()?;
        Ok(Self { name, columns, rows })
    }

    fn column(&self, name: &str) -> usize {
        let found = self.columns.iter().position(|column| column == name);
        found.unwrap_or_else(|| panic!("{} has no {name}", self.name))
    }

    /// By how much the numbers in a column are to grow, so that none is there twice.
    fn span(&self, column: usize) -> i64 {
        self.rows.iter().map(|row| integer(&row[column])).max().unwrap_or(0)
    }

    fn insert(&self, db: &Connection) -> Result<()> {
        let places = vec!["?"; self.columns.len()].join(", ");
        let mut insert = db.prepare_cached(&format!("INSERT INTO {} VALUES ({places})", self.name))?;
        self.rows.iter().try_for_each(|row| insert.execute(params_from_iter(row)).map(drop))
    }
}

/// What is copied; it is its own last copy.
struct Copier {
    deliveries: Table,
    subjects: Table,
    messages: Table,
    attempts: Table,
    /// Which subject each delivery is of, by their places in the tables.
    subject_of: Vec<Option<usize>>,
    /// Where each message's body has keys, and whose.
    keys_in: Vec<Vec<(Range<usize>, usize)>>,
    /// Where it has its own transaction id.
    txns_in: Vec<Vec<Range<usize>>>,
    /// How far numbers of deliveries and of messages are apart from those of the copy before.
    spans: (i64, i64),
    are_ids_in_order: bool,
    dice: Dice,
    count: u64,
}

impl Copier {
    fn read(db: &Connection) -> Result<Self> {
        let [deliveries, subjects, messages, attempts] =
            ["delivery", "subject", "message", "attempt"].map(|name| Table::read(db, name));
        let (deliveries, subjects, messages, attempts) = (deliveries?, subjects?, messages?, attempts?);
        assert!(!deliveries.rows.is_empty(), "a store without deliveries");
        let [key, id] = ["key", "id"].map(|name| deliveries.column(name));
        let keys = deliveries.rows.iter().map(|row| hex(blob(&row[key]))).enumerate();
        let keys: HashMap<String, usize> = keys.map(|(at, key)| (key, at)).collect();
        let (body, txn) = (messages.column("body"), messages.column("txn"));
        let bodies = || messages.rows.iter().map(|row| text(&row[body]));
        let txns = messages.rows.iter().map(|row| text(&row[txn]));
        let places = subjects.rows.iter().map(|row| blob(&row[subjects.column("subject")])).enumerate();
        let places: HashMap<&[u8], usize> = places.map(|(at, subject)| (subject, at)).collect();
        let subject = deliveries.column("subject");
        let subject_of = deliveries.rows.iter().map(|row| match &row[subject] {
            Value::Blob(subject) => places.get(subject.as_slice()).copied(),
            _ => None,
        });
        let ids: Vec<_> = deliveries.rows.iter().map(|row| text(&row[id])).collect();
        Ok(Self {
            subject_of: subject_of.collect(),
            keys_in: bodies().map(|body| places_of_keys(body, &keys)).collect(),
            txns_in: bodies().zip(txns).map(|(body, txn)| places_of(body, txn)).collect(),
            spans: (deliveries.span(deliveries.column("seq")), messages.span(messages.column("id"))),
            are_ids_in_order: are_in_order(&ids),
            dice: Dice::new(1),
            count: deliveries.rows.len() as u64,
            deliveries,
            subjects,
            messages,
            attempts,
        })
    }

    /// Makes it another copy: whatever names a row is new.
    fn move_on(&mut self) {
        let subject = self.subjects.column("subject");
        for row in &mut self.subjects.rows {
            row[subject] = Value::Blob(fresh_key(&mut self.dice));
        }
        let of_attempt = self.attempts.column("message");
        self.attempts.rows.iter_mut().for_each(|row| shift(&mut row[of_attempt], self.spans.1));
        self.move_deliveries(subject);
        self.move_messages();
    }

    fn move_deliveries(&mut self, of_subjects: usize) {
        let [seq, id, key, subject, message] =
            ["seq", "id", "key", "subject", "message"].map(|name| self.deliveries.column(name));
        for (row, of) in self.deliveries.rows.iter_mut().zip(&self.subject_of) {
            self.count += 1;
            shift(&mut row[seq], self.spans.0);
            shift(&mut row[message], self.spans.1);
            row[key] = Value::Blob(fresh_key(&mut self.dice));
            row[subject] = of.map_or(Value::Null, |of| self.subjects.rows[of][of_subjects].clone());
            let ordinal = self.are_ids_in_order.then_some(self.count);
            row[id] = Value::Text(fresh_id(text(&row[id]), ordinal, &mut self.dice));
        }
    }

    fn move_messages(&mut self) {
        let [id, txn, body] = ["id", "txn", "body"].map(|name| self.messages.column(name));
        let key = self.deliveries.column("key");
        for (at, row) in self.messages.rows.iter_mut().enumerate() {
            shift(&mut row[id], self.spans.1);
            let number = self.are_ids_in_order.then(|| integer(&row[id]).unsigned_abs());
            let fresh = fresh_id(text(&row[txn]), number, &mut self.dice);
            let Value::Text(body) = &mut row[body] else { panic!("a body is text") };
            for place in &self.txns_in[at] {
                body.replace_range(place.clone(), &fresh);
            }
            for (place, of) in &self.keys_in[at] {
                body.replace_range(place.clone(), &hex(blob(&self.deliveries.rows[*of][key])));
            }
            row[txn] = Value::Text(fresh);
        }
    }

    fn insert(&self, db: &Connection) -> Result<()> {
        [&self.messages, &self.attempts, &self.subjects, &self.deliveries]
            .into_iter()
            .try_for_each(|table| table.insert(db))
    }
}

/// Whether ids begin with a time or a number, and not all at random.
fn are_in_order(ids: &[&str]) -> bool {
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return false };
    let shared = first.bytes().zip(last.bytes()).take_while(|(one, other)| one == other).count();
    ids.len() > 100 && shared > 4
}

fn places_of_keys(body: &str, keys: &HashMap<String, usize>) -> Vec<(Range<usize>, usize)> {
    const LENGTH: usize = 64;
    let places = (0..body.len().saturating_sub(LENGTH)).map(|at| at..at + LENGTH);
    let known = |place: Range<usize>| keys.get(body.get(place.clone())?).map(|of| (place, *of));
    places.filter_map(known).collect()
}

fn places_of(body: &str, text: &str) -> Vec<Range<usize>> {
    body.match_indices(text).map(|(at, found)| at..at + found.len()).collect()
}

fn shift(value: &mut Value, by: i64) {
    if let Value::Integer(number) = value {
        *number += by;
    }
}

fn fresh_key(dice: &mut Dice) -> Vec<u8> {
    (0..4).flat_map(|_| dice.throw().to_le_bytes()).collect()
}

/// Another id of the same form, which sorts before those that are made today, and by the number if there is one.
fn fresh_id(like: &str, number: Option<u64>, dice: &mut Dice) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut fresh = like[..2].to_owned();
    if let Some(number) = number {
        fresh += &format!("{number:0ORDINAL$}");
    }
    while fresh.len() < like.len() {
        fresh.push(char::from(ALPHABET[dice.index(ALPHABET.len())]));
    }
    fresh
}

fn integer(value: &Value) -> i64 {
    if let Value::Integer(number) = value { *number } else { 0 }
}

fn text(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}

fn blob(value: &Value) -> &[u8] {
    if let Value::Blob(bytes) = value { bytes } else { &[] }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)]))
        .collect()
}
