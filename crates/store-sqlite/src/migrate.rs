//! From an older schema to this one, in one transaction.

use meshhook_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::fault::fault;

/// "mesh" in ASCII: which program's file this is (`PRAGMA application_id`).
const APPLICATION: i32 = 0x6d65_7368;

/// The steps from nothing to the newest schema; `PRAGMA user_version` counts those that were taken.
const STEPS: [&str; 1] = [include_str!("schema.sql")];

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    let number = |pragma: &str| tx.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(fault);
    let found = number("PRAGMA user_version")?;
    if number("PRAGMA application_id")? != i64::from(APPLICATION)
        && number("SELECT count(*) FROM sqlite_schema")? > 0
    {
        return Err(StoreError::Unusable("the file is another program's database".to_owned()));
    }
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        tx.execute_batch(step).map_err(fault)?;
    }
    tx.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {known}"))
        .map_err(fault)?;
    tx.commit().map_err(fault)
}
