//! The reference passes the suite that every backend has to pass.

mod memory {
    meshhook_store::conformance_tests!(meshhook_store::MemoryStore::new());
}
