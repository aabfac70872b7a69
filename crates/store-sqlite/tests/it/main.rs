//! The suite of every backend on SQLite, and what is SQLite's own.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod agreement;
mod audit;
mod damage;
mod file;
mod names;
mod peek;

mod conformance {
    use std::ops::Deref;

    use meshhook_store::Store;
    use meshhook_store_sqlite::SqliteStore;
    use tempfile::TempDir;

    /// A store in a folder that goes with it.
    struct Scratch {
        store: SqliteStore,
        _folder: TempDir,
    }

    impl Scratch {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            let store = SqliteStore::open(&folder.path().join("meshhook.db")).unwrap();
            Self { store, _folder: folder }
        }
    }

    impl Deref for Scratch {
        type Target = dyn Store;

        fn deref(&self) -> &Self::Target {
            &self.store
        }
    }

    meshhook_store::conformance_tests!(*Scratch::new());

    #[test]
    fn a_full_room_takes_nothing_more_in() {
        let scratch = Scratch::new();
        scratch.store.limit_waiting(2);
        meshhook_store::conformance::a_full_room_takes_nothing_more_in(&scratch.store);
    }

    #[test]
    fn a_full_room_changes_nothing() {
        let scratch = Scratch::new();
        scratch.store.limit_waiting(2);
        meshhook_store::conformance::a_full_room_changes_nothing(&scratch.store);
    }
}
