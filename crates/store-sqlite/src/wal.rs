//! The write-ahead log, read before SQLite does.
//!
//! SQLite takes the first frame that is not right for the end of the log: a crash leaves such an end. But it does so
//! as well where a frame in the middle was overwritten, and so forgets in silence what was committed after it:
//! deliveries that were answered 202, and marks of those that were sent.
//!
//! The format: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use meshhook_store::StoreError;

use crate::place::log_of;

const HEADER: usize = 32;
const FRAME: usize = 24;

/// The first word of a log; its last bit says in which order a checksum takes the bytes of a word.
const MAGIC: u32 = 0x377f_0682;

/// The only version of the format that there is.
const VERSION: u32 = 3_007_000;

/// Finds a log that is not as it was written, beyond what a crash can have done.
pub(crate) fn check(database: &Path) -> Result<(), StoreError> {
    match File::open(log_of(database)) {
        Ok(file) => judge(BufReader::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::Unusable(format!("its write-ahead log cannot be opened: {error}"))),
    }
}

fn judge(mut log: impl Read) -> Result<(), StoreError> {
    match broken(&mut log) {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(StoreError::Damaged(format!("its write-ahead log {what}"))),
        Err(error) => Err(StoreError::Unavailable(format!("its write-ahead log cannot be read: {error}"))),
    }
}

fn broken(log: &mut impl Read) -> io::Result<Option<&'static str>> {
    let Some(header) = next(log, HEADER)? else { return Ok(None) };
    let Some(mut chain) = Chain::begin(&header) else {
        // SQLite has the header on the disk before it writes a frame.
        return Ok(next(log, 1)?.map(|_| "does not begin as one"));
    };
    let mut is_whole = true;
    while let Some(frame) = next(log, FRAME + chain.page)? {
        let after_commit = chain.at_commit;
        let follows = chain.follow(&frame);
        // The commit before it was on the disk before it was written, and so was all before that.
        if follows && after_commit && !is_whole {
            return Ok(Some("is broken in the middle"));
        }
        is_whole &= follows;
    }
    Ok(None)
}

/// So many bytes; nothing at the end, or where there are fewer.
fn next(log: &mut impl Read, length: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; length];
    match log.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Frames of one log, each of which has a checksum over itself and the checksum before it.
struct Chain {
    page: usize,
    little: bool,
    /// Of this run of the log: what is left of the one before has others.
    salts: [u8; 8],
    /// As the last frame, or the header, has it written down.
    sum: (u32, u32),
    /// Whether the last frame is one of ours that ends a transaction.
    at_commit: bool,
}

impl Chain {
    fn begin(header: &[u8]) -> Option<Self> {
        let little = word(header, 0) == MAGIC;
        let page = usize::try_from(word(header, 8)).ok()?;
        let known = (little || word(header, 0) == MAGIC + 1) && word(header, 4) == VERSION;
        let sum = sum((0, 0), &header[..24], little);
        let sound =
            known && page.is_power_of_two() && (512..=65536).contains(&page) && sum == sums(header, 24);
        let salts = header[16..24].try_into().ok()?;
        sound.then_some(Self { page, little, salts, sum, at_commit: false })
    }

    /// Whether `frame` was written behind the last one; goes on behind it in any case.
    fn follow(&mut self, frame: &[u8]) -> bool {
        let ours = frame[8..16] == self.salts;
        let reckoned = sum(sum(self.sum, &frame[..8], self.little), &frame[FRAME..], self.little);
        self.sum = sums(frame, 16);
        self.at_commit = ours && word(frame, 4) != 0;
        ours && word(frame, 0) != 0 && reckoned == self.sum
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes[at..at + 4].try_into().expect("four bytes");
    u32::from_be_bytes(word)
}

fn sums(bytes: &[u8], at: usize) -> (u32, u32) {
    (word(bytes, at), word(bytes, at + 4))
}

/// Goes on with a checksum over bytes whose number is a multiple of eight.
fn sum(from: (u32, u32), bytes: &[u8], little: bool) -> (u32, u32) {
    bytes.chunks_exact(8).fold(from, |(mut a, mut b), eight| {
        let words = (word(eight, 0), word(eight, 4));
        let (x, y) = if little { (words.0.swap_bytes(), words.1.swap_bytes()) } else { words };
        a = a.wrapping_add(x).wrapping_add(b);
        b = b.wrapping_add(y).wrapping_add(a);
        (a, b)
    })
}
