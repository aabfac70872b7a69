//! The body that a command looks at.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::args;
use crate::failure::{Exit, Failure};

/// The most that a gateway takes.
const LIMIT: u64 = 64 << 20;

/// A body and the headers that it came with.
#[derive(Args)]
pub(crate) struct Request {
    /// A header line that the body came with; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = args::header)]
    pub(crate) headers: Vec<(String, String)>,
    /// The body's file, `-` for stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

impl Request {
    pub(crate) fn body(&self) -> Result<Vec<u8>, Failure> {
        read(&self.file)
    }

    /// The value of the first header of that name, in whatever case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads a file, or stdin where it is `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(LIMIT + 1).read_to_end(&mut body)
    } else {
        File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut body))
    };
    let failure = |why: String| {
        Failure::new(
            Exit::Usage,
            format!("{}: {why}", path.display()),
            "name a file with a body, or - for stdin",
        )
    };
    read.map_err(|error| failure(error.to_string()))?;
    if body.len() as u64 > LIMIT { Err(failure("longer than 64 MiB".to_owned())) } else { Ok(body) }
}
