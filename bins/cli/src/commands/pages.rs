//! `meshhook completions` and `meshhook man`, for whoever packages the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Print a shell's completions
#[derive(Args)]
pub(crate) struct Completions {
    shell: Shell,
}

/// Write the man pages below a folder, in its man1
#[derive(Args)]
pub(crate) struct Man {
    /// Such as /usr/local/share/man
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Completions {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "meshhook", &mut script);
        output.raw(&String::from_utf8_lossy(&script))
    }
}

impl Man {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let folder = self.out.join("man1");
        write(&folder).map_err(|why| {
            let message = format!("cannot write into {}: {why}", folder.display());
            Failure::new(Exit::NotSo, message, "name a folder that you may write into")
        })
    }
}

fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
