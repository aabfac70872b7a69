//! The least that makes an answer durable: a record written to a file, and one sync for all that wait.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// The file is as long as that and is written over, round and round, as a database does with its log: a file that grows
/// costs the file system a record of its own for each sync.
const LENGTH: usize = 8 << 20;

/// What is to happen once a record is durable.
type Done = Box<dyn FnOnce() + Send>;

/// A file that records are written to in groups, each with one sync.
#[derive(Debug)]
pub struct Journal {
    appended: Sender<Done>,
    written: Arc<Written>,
}

/// What is durable by now.
#[derive(Debug, Default)]
struct Written {
    records: AtomicU64,
    syncs: AtomicU64,
}

impl Journal {
    /// Makes the file, at its full length, for records of `record` bytes each.
    ///
    /// # Errors
    /// When it cannot be written.
    ///
    /// # Panics
    /// When there is no thread to be had.
    pub fn create(path: &Path, record: usize) -> io::Result<Self> {
        let file = File::create(path)?;
        let places = (LENGTH / record).max(1);
        file.write_all_at(&vec![0; places * record], 0)?;
        file.sync_all()?;
        let (appended, waiting) = channel();
        let written = Arc::<Written>::default();
        let mut writer = Writer { file, record, places, written: Arc::clone(&written) };
        thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&waiting))?;
        Ok(Self { appended, written })
    }

    /// Writes a record, and calls `done` once it is durable; never, if the disk fails.
    pub fn append(&self, done: impl FnOnce() + Send + 'static) {
        // Without its thread it drops what it is given, which tells whoever waits.
        let _ = self.appended.send(Box::new(done));
    }

    /// How many records are durable, and how many syncs made them so.
    #[must_use]
    pub fn written(&self) -> (u64, u64) {
        [&self.written.records, &self.written.syncs].map(|count| count.load(Ordering::Acquire)).into()
    }
}

struct Writer {
    file: File,
    record: usize,
    places: usize,
    written: Arc<Written>,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<Done>) {
        while let Ok(first) = waiting.recv() {
            let group: Vec<Done> = std::iter::once(first).chain(waiting.try_iter()).collect();
            if self.write(group.len()).is_err() {
                return;
            }
            group.into_iter().for_each(|done| done());
        }
    }

    /// Each record begins with its number, from 1.
    fn write(&self, count: usize) -> io::Result<()> {
        let first = self.written.records.load(Ordering::Relaxed);
        let mut record = vec![0; self.record];
        for number in first..first + count as u64 {
            let place = usize::try_from(number).map_err(io::Error::other)? % self.places;
            record[..size_of::<u64>()].copy_from_slice(&(number + 1).to_le_bytes());
            self.file.write_all_at(&record, (place * self.record) as u64)?;
        }
        self.file.sync_data()?;
        self.written.syncs.fetch_add(1, Ordering::Release);
        self.written.records.fetch_add(count as u64, Ordering::Release);
        Ok(())
    }
}

/// How many records a journal has taken, by its file alone.
///
/// # Panics
/// When it cannot be read.
pub(super) fn recorded(path: &Path, record: usize) -> u64 {
    let bytes = std::fs::read(path).expect("a journal");
    let numbers = bytes.chunks_exact(record).filter_map(|record| record.first_chunk());
    numbers.map(|number| u64::from_le_bytes(*number)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_together_shares_a_sync_and_is_told_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::create(&path, 2 << 10).unwrap();
        let (sender, told) = channel();
        for _ in 0..10_000 {
            let (sender, path) = (sender.clone(), path.clone());
            journal.append(move || sender.send(path).unwrap());
        }
        // More than there are places for.
        let all: Vec<_> = told.iter().take(10_000).collect();
        assert_eq!((all.len() as u64, recorded(&path, 2 << 10)), (10_000, 10_000));
        let (records, syncs) = journal.written();
        assert!(records == 10_000 && syncs < 5_000, "{syncs}");
    }
}
