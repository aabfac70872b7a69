//! The man page and completions, for whoever packages the program.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap_complete::Shell;
use clap_mangen::Man;

/// What a package has beside the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Pages {
    /// Print a shell's completions
    #[command(hide = true)]
    Completions {
        /// Which
        shell: Shell,
    },
    /// Write the man page below a folder, in its man8
    #[command(hide = true)]
    Man {
        /// Such as /usr/local/share/man
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

impl Pages {
    /// Makes it from the program's own command line.
    pub(crate) fn make(&self, command: clap::Command) -> io::Result<()> {
        match self {
            Self::Completions { shell } => completions(*shell, command),
            Self::Man { out } => man(&out.join("man8"), command),
        }
    }
}

fn completions(shell: Shell, mut command: clap::Command) -> io::Result<()> {
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    clap_complete::generate(shell, &mut command, name, &mut script);
    io::stdout().write_all(&script)
}

/// A daemon's pages are in section 8: its own, and one for each command that others give it.
fn man(folder: &Path, command: clap::Command) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let shown = command.get_subcommands().filter(|of_it| !of_it.is_hide_set());
    for page in shown.chain([&command]) {
        Man::new(page.clone()).section("8").generate_to(folder)?;
    }
    Ok(())
}
