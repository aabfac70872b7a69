//! How branches ended the last time, and what is not said since it changes nothing.

use meshhook_store::rules::{self, Comparison};
use meshhook_store::{
    Accepted, Announcement, BranchKey, Ending, Key, Last, Moment, News, Outcome, Status, StoreError,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::fault::fault;
use crate::row::{answer, moment, moment_or_none};
use crate::settle::finish;

/// What an announcement that is about to be owed changes, if that matters.
pub(crate) fn compare(db: &Connection, a: &Announcement, now: Moment) -> Result<Comparison, StoreError> {
    let Some(change) = &a.change else { return Ok(Comparison::default()) };
    Ok(rules::compare(a.key, change, last(db, &change.branch)?.as_ref(), now))
}

fn last(db: &Connection, branch: &BranchKey) -> Result<Option<Last>, StoreError> {
    db.prepare_cached("SELECT well, word, since, told_by, expires_at FROM ending WHERE branch = ?1")
        .and_then(|mut s| {
            s.query_row([branch.0], |row| {
                let ending = Ending { well: row.get(0)?, word: row.get(1)? };
                Ok(Last {
                    ending,
                    since: moment(row, 2)?,
                    told_by: Key(row.get(3)?),
                    expires_at: moment(row, 4)?,
                })
            })
            .optional()
        })
        .map_err(fault)
}

/// Remembers how the branch ended by that.
pub(crate) fn remember(db: &Connection, a: &Announcement, found: &Comparison) -> Result<(), StoreError> {
    let Some((change, last)) = a.change.as_ref().zip(found.last.as_ref()) else { return Ok(()) };
    let Last { ending: Ending { well, word }, since, told_by, expires_at } = last;
    let (branch, since, expires_at) = (change.branch.0, since.millis(), expires_at.millis());
    let write = |statement| {
        db.prepare_cached(statement)
            .and_then(|mut s| s.execute(params![branch, well, word, since, told_by.0, expires_at]))
            .map_err(fault)
    };
    let known =
        "UPDATE ending SET well = ?2, word = ?3, since = ?4, told_by = ?5, expires_at = ?6 WHERE branch = ?1";
    if write(known)? == 0 {
        write("INSERT INTO ending VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        forget_oldest(db)?;
    }
    Ok(())
}

/// Keeps the table within its bound; to count a whole table takes SQLite no more than a look at its pages.
fn forget_oldest(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM ending WHERE branch IN (SELECT branch FROM ending ORDER BY expires_at, branch \
         LIMIT max(0, (SELECT count(*) FROM ending) - ?1))",
    )
    .and_then(|mut s| s.execute([rules::MAX_BRANCHES]))
    .map_err(fault)?;
    Ok(())
}

/// Forgets how a branch ended where the delivery that said so is given up.
pub(crate) fn unhear(db: &Connection, seq: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM ending WHERE told_by = (SELECT key FROM delivery WHERE seq = ?1)")
        .and_then(|mut s| s.execute([seq]))
        .map_err(fault)?;
    Ok(())
}

/// A delivery that was read again and changes nothing: it keeps its mark, and is never compared again.
pub(crate) fn silence(db: &Connection, seq: i64, reason: &str, now: Moment) -> Result<Accepted, StoreError> {
    finish(db, seq, Status::Ignored, now)?;
    db.prepare_cached("UPDATE delivery SET reason = ?2, content = NULL, line = NULL WHERE seq = ?1")
        .and_then(|mut s| s.execute(params![seq, reason]))
        .map_err(fault)?;
    answer(db, seq, Outcome::Ignored)
}

/// What a delivery was found to mean, for whoever renders it again.
pub(crate) fn news_of(db: &Connection, seq: i64) -> Result<Option<News>, StoreError> {
    db.prepare_cached("SELECT news, news_since, news_at FROM delivery WHERE seq = ?1")
        .and_then(|mut s| s.query_row([seq], |row| news(row, 0)))
        .map_err(fault)
}

/// The news in a column and the two behind it.
pub(crate) fn news(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<News>> {
    let trend = row.get::<_, Option<String>>(column)?.and_then(|word| word.parse().ok());
    let times = moment_or_none(row, column + 1)?.zip(moment_or_none(row, column + 2)?);
    Ok(trend.zip(times).map(|(trend, (since, at))| News { trend, since, at }))
}

#[cfg(test)]
mod tests {
    use meshhook_store::conformance::fixture::*;
    use meshhook_store::{Inspect, Rank};

    use crate::SqliteStore;

    /// A source that makes branches up cannot fill the disk.
    #[test]
    fn the_branches_that_were_silent_longest_are_forgotten() {
        let folder = tempfile::TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("meshhook.db")).unwrap();
        let failed = |run| State::of(run, Rank::Terminal).ends(run % 2, false, "");
        failed(1).accept(&store, "oldest", START);
        let others = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 99999) \
                      INSERT INTO ending SELECT randomblob(32), 1, '', 0, zeroblob(32), 9e15 FROM n";
        store.writer().execute(others, []).unwrap();
        let silent = failed(3).accept(&store, "known", START);
        assert_eq!(silent.reason.as_deref(), Some("still_failing"));
        failed(2).accept(&store, "one more", at(1));
        let count = "SELECT count(*) FROM ending";
        let count: usize = store.reader().query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, meshhook_store::rules::MAX_BRANCHES);
        failed(5).accept(&store, "forgotten", at(2));
        assert_eq!(store.show("forgotten").unwrap().unwrap().delivery.reason, None);
    }
}
