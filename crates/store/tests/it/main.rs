//! The reference passes the suite that every backend has to pass.

mod model;

mod memory {
    meshhook_store::conformance_tests!(meshhook_store::MemoryStore::new());
}

#[test]
fn a_full_room_takes_nothing_more_in() {
    let store = meshhook_store::MemoryStore::new();
    store.limit_waiting(2);
    meshhook_store::conformance::a_full_room_takes_nothing_more_in(&store);
}

#[test]
fn a_full_room_changes_nothing() {
    let store = meshhook_store::MemoryStore::new();
    store.limit_waiting(2);
    meshhook_store::conformance::a_full_room_changes_nothing(&store);
}

#[test]
fn a_bare_mark_is_remembered_until_its_end() {
    use meshhook_store::{DedupeStore, Key, MemoryStore, Moment};

    let (store, key, hour) = (MemoryStore::new(), Key([7; 32]), std::time::Duration::from_secs(3600));
    let first_time = |seconds| store.first_time(&key, Moment::from_seconds(seconds), hour);
    assert_eq!([0, 3599, 3600, 3601].map(first_time), [Ok(true), Ok(false), Ok(true), Ok(false)]);
}
