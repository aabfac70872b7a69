//! Whose file it is; and from an older schema to this one, in one transaction.

use meshhook_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::fault::fault;

/// "mesh" in ASCII: which program's file this is (`PRAGMA application_id`).
const APPLICATION: i32 = 0x6d65_7368;

/// The steps from nothing to the newest schema; `PRAGMA user_version` counts those that were taken.
const STEPS: [&str; 1] = [include_str!("schema.sql")];

/// The schema of a file that is ours or empty.
///
/// # Errors
/// [`StoreError`] of a file that is neither, or of a schema that is not known here.
pub(crate) fn recognise(connection: &Connection) -> Result<usize, StoreError> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(fault);
    let found = number("PRAGMA user_version")?;
    if number("PRAGMA application_id")? != i64::from(APPLICATION)
        && number("SELECT count(*) FROM sqlite_schema")? > 0
    {
        return Err(StoreError::Unusable("it is another program's database".to_owned()));
    }
    match usize::try_from(found) {
        Ok(schema) if schema <= STEPS.len() => Ok(schema),
        _ => Err(StoreError::Newer { found, known: i64::try_from(STEPS.len()).unwrap_or(i64::MAX) }),
    }
}

/// Takes the steps that `schema` lacks. A file that lacks none is not written to.
pub(crate) fn migrate(connection: &mut Connection, schema: usize) -> Result<(), StoreError> {
    let newest = STEPS.len();
    if schema == newest {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    for step in STEPS.iter().skip(schema) {
        tx.execute_batch(step).map_err(fault)?;
    }
    tx.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {newest}"))
        .map_err(fault)?;
    tx.commit().map_err(fault)
}
