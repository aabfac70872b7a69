//! Stores that cannot be used: each is told in a sentence with a hint, and left as it is.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use meshhook_testkit::{Gateway, Homeserver};
use rusqlite::Connection;

use crate::ledger::{Ledger, promises_nothing};
use crate::rig::{scripted, started};
use crate::wrapped::bound_by_modes;

fn database(gateway: &Gateway) -> PathBuf {
    gateway.store_dir().join("meshhook.db")
}

fn log_of(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

/// Starts it, and expects that exit code and these words, the last of which begin its hint.
#[track_caller]
fn fails(gateway: &mut Gateway, words: &[&str]) {
    let before = gateway.log().len();
    let failure = gateway.restart().unwrap_err();
    assert_eq!(failure.code(), Some(1), "{failure}");
    let said = &failure.said[before..];
    assert!(words.iter().all(|words| said.contains(words)), "{words:?} is not in: {said}");
    assert!(said.contains("\nhint: ") && !said.contains("panic"), "{said}");
}

/// A gateway that has told of a few builds and was stopped.
fn stopped(homeserver: &Homeserver) -> (Gateway, Ledger) {
    stop(scripted(homeserver).write(), homeserver)
}

fn stop(mut gateway: Gateway, homeserver: &Homeserver) -> (Gateway, Ledger) {
    gateway.restart().unwrap();
    let mut ledger = Ledger::default();
    for n in 0..30 {
        ledger.take(&gateway, &format!("before-{n}"));
    }
    ledger.balance(&gateway, homeserver);
    assert_eq!(gateway.stop().unwrap().code(), Some(0));
    (gateway, ledger)
}

/// Overwrites the middle of a file.
fn harm(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 5000].fill(0xA5);
    fs::write(file, bytes).unwrap();
}

/// What is in the folder of a store, but for an empty log and the index that SQLite makes anew for it.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.to_str().unwrap().ends_with("-shm"));
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.retain(|(_, bytes)| !bytes.is_empty());
    files.sort();
    files
}

#[test]
fn a_damaged_store_is_left_for_its_operator() {
    let homeserver = Homeserver::start();
    let (mut gateway, mut ledger) = stopped(&homeserver);
    let database = database(&gateway);
    let whole = fs::read(&database).unwrap();
    let cut = |file: &Path| fs::write(file, &whole[..whole.len() / 2]).unwrap();
    for harm in [&harm as &dyn Fn(&Path), &cut] {
        harm(&database);
        let before = contents(&gateway.store_dir());
        let words = ["the store is damaged (", "meshhook.db: ", "hint: nothing was changed. Keep a copy"];
        fails(&mut gateway, &words);
        assert!(contents(&gateway.store_dir()) == before);
        fs::write(&database, &whole).unwrap();
    }
    gateway.restart().unwrap();
    ledger.take(&gateway, "after");
    ledger.balance(&gateway, &homeserver);
}

#[test]
fn a_damaged_log_is_not_taken_for_a_shorter_one() {
    let homeserver = Homeserver::start();
    let mut gateway = scripted(&homeserver).start().unwrap();
    let mut ledger = Ledger::default();
    for n in 0..20 {
        ledger.take(&gateway, &format!("before-{n}"));
    }
    ledger.balance(&gateway, &homeserver);
    gateway.kill9();
    let log = log_of(&database(&gateway));
    let whole = fs::read(&log).unwrap();
    let begin = |log: &Path| fs::write(log, [&[0xA5; 32], &whole[32..]].concat()).unwrap();
    for harm in [&harm as &dyn Fn(&Path), &begin] {
        harm(&log);
        let before = contents(&gateway.store_dir());
        fails(
            &mut gateway,
            &["the store is damaged (", "its write-ahead log ", "hint: nothing was changed."],
        );
        assert!(contents(&gateway.store_dir()) == before);
        fs::write(&log, &whole).unwrap();
    }
    gateway.restart().unwrap();
    // What was told before is still known: nothing is told again.
    let again = crate::rig::post_build(&gateway, &crate::rig::build("before-7", "failed"));
    assert_eq!(again.json()["outcome"], "duplicate");
    ledger.balance(&gateway, &homeserver);
}

/// Makes the gateway's connections forget what they have read: somebody else has written.
fn disturb(database: &Path, n: u8) {
    let other = Connection::open(database).unwrap();
    other.execute("INSERT INTO mark VALUES (?1, 0)", [[n; 32]]).unwrap();
}

/// Overwrites where the database looks for keys; gives what was there.
fn harm_keys(database: &Path) -> impl FnOnce() {
    use std::os::unix::fs::FileExt;
    let page: u64 = Connection::open(database)
        .and_then(|db| {
            let found = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_delivery_2'";
            db.query_row(found, [], |row| row.get(0))
        })
        .unwrap();
    let (file, at) = (fs::File::options().read(true).write(true).open(database).unwrap(), (page - 1) * 4096);
    let mut before = vec![0; 4096];
    file.read_exact_at(&mut before, at).unwrap();
    file.write_all_at(&[0xA5; 4096], at).unwrap();
    move || file.write_all_at(&before, at).unwrap()
}

#[test]
fn damage_that_is_found_while_it_runs_is_told_and_nothing_is_promised() {
    let homeserver = Homeserver::start();
    let (mut gateway, mut ledger) = stopped(&homeserver);
    gateway.restart().unwrap();
    let database = database(&gateway);
    let mend = harm_keys(&database);
    disturb(&database, 1);
    for n in 0..3 {
        promises_nothing(&ledger.post(&gateway, &format!("during-{n}")));
        // A write that works elsewhere does not make it ready.
        let ready = gateway.admin_get("/readyz");
        assert_eq!(ready.status, 503);
        assert!(ready.json()["why"].as_str().unwrap().contains("the store is damaged"), "{ready:?}");
    }
    assert_eq!(gateway.admin_get("/livez").status, 200);
    assert!(
        gateway
            .log()
            .contains("store failed doing=\"accept\" why=\"the store is damaged (database disk image")
    );
    assert!(!gateway.log().contains("panic"), "{}", gateway.log());
    mend();
    disturb(&database, 2);
    ledger.redeliver(&gateway);
    assert_eq!(gateway.admin_get("/readyz").status, 200);
    ledger.balance(&gateway, &homeserver);
}

/// As by somebody who puts a backup in its place, or tidies up.
#[test]
fn a_file_that_is_moved_while_it_runs_is_written_for_nobody() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    ledger.take(&gateway, "before");
    for (n, file) in [database(&gateway), log_of(&database(&gateway))].iter().enumerate() {
        let aside = gateway.store_dir().join("aside");
        fs::rename(file, &aside).unwrap();
        promises_nothing(&ledger.post(&gateway, &format!("during-{n}")));
        if n == 0 {
            fs::write(file, "another").unwrap();
            promises_nothing(&ledger.post(&gateway, "during"));
        }
        let ready = gateway.admin_get("/readyz");
        assert_eq!(ready.status, 503);
        let why = format!("{} was moved or removed", file.display());
        assert!(ready.json()["why"].as_str().unwrap().contains(&why), "{ready:?}");
        fs::rename(&aside, file).unwrap();
        ledger.redeliver(&gateway);
    }
    assert_eq!(gateway.admin_get("/readyz").status, 200);
    ledger.balance(&gateway, &homeserver);
}

#[test]
fn a_store_of_a_later_version_or_another_program_is_left_alone() {
    let homeserver = Homeserver::start();
    let (mut gateway, _) = stopped(&homeserver);
    let database = database(&gateway);
    let edit = |change: &str| {
        let db = Connection::open(&database).unwrap();
        db.execute_batch(&format!("PRAGMA journal_mode = DELETE; {change}")).unwrap();
    };
    for (change, words) in [
        (
            "PRAGMA user_version = 99",
            ["has schema 99, this program knows", "hint: start the version that wrote it"],
        ),
        (
            "PRAGMA user_version = 1; PRAGMA application_id = 7",
            ["meshhook.db: it is another program's", "hint: "],
        ),
    ] {
        edit(change);
        let before = contents(&gateway.store_dir());
        fails(&mut gateway, &words);
        assert!(contents(&gateway.store_dir()) == before, "{change}");
    }
}

#[test]
fn a_store_that_another_program_holds_at_the_start_is_told() {
    let homeserver = Homeserver::start();
    let (mut gateway, mut ledger) = stopped(&homeserver);
    let other = Connection::open(database(&gateway)).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let start = Instant::now();
    fails(&mut gateway, &["meshhook.db: database is locked", "hint: another program may hold the database"]);
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(other);
    gateway.restart().unwrap();
    ledger.take(&gateway, "after");
    ledger.balance(&gateway, &homeserver);
}

/// Lets a gateway's configuration name another file.
fn move_store(gateway: &Gateway, to: &Path) {
    let file = gateway.config_root().join("gateway.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (from, to) = (database(gateway), to.to_str().unwrap());
    assert!(text.contains(from.to_str().unwrap()));
    fs::write(&file, text.replace(from.to_str().unwrap(), to)).unwrap();
}

#[test]
fn a_second_gateway_is_refused_under_whatever_name() {
    let (homeserver, gateway) = started();
    let mut ledger = Ledger::default();
    ledger.take(&gateway, "1");
    let real = database(&gateway);
    let elsewhere = tempfile::tempdir().unwrap();
    let (file, folder) = (elsewhere.path().join("link.db"), elsewhere.path().join("folder"));
    symlink(&real, &file).unwrap();
    symlink(gateway.store_dir(), &folder).unwrap();
    let hard = gateway.store_dir().join("hard.db");
    let in_use = "in use by another process";
    for (name, words) in [(&file, in_use), (&folder.join("meshhook.db"), in_use), (&hard, "it has 2 names")] {
        if name == &hard {
            fs::hard_link(&real, &hard).unwrap();
        }
        let mut second = scripted(&homeserver).write();
        move_store(&second, name);
        fails(&mut second, &[words]);
    }
    ledger.take(&gateway, "2");
    ledger.balance(&gateway, &homeserver);
}

#[test]
fn what_is_no_file_or_may_not_be_written_is_told() {
    let homeserver = Homeserver::start();
    let place = tempfile::tempdir().unwrap();
    let text = place.path().join("text");
    fs::write(&text, "not a folder").unwrap();
    for (path, words) in [
        (place.path().to_owned(), "it is not a file"),
        (text.join("meshhook.db"), "its folder cannot be made"),
    ] {
        let mut gateway = scripted(&homeserver).write();
        move_store(&gateway, &path);
        fails(&mut gateway, &["the store cannot be used (", words, "hint: look at the store's folder"]);
    }
    for (what, mode, words) in [
        ("meshhook.db", 0o400, "meshhook.db: attempt to write a readonly database"),
        ("meshhook.db", 0o000, "meshhook.db: unable to open database file"),
        ("meshhook.db.lock", 0o400, "meshhook.db.lock: Permission denied"),
        ("", 0o500, "meshhook.db: attempt to write a readonly database"),
        ("", 0o000, "it cannot be looked at: Permission denied"),
    ] {
        let (mut gateway, _) = stop(bound_by_modes(&homeserver), &homeserver);
        let path = gateway.store_dir().join(what);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fails(&mut gateway, &["the store cannot be used (", words, "hint: look at the store's folder"]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }
}
