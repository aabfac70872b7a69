//! What somebody at the terminal answers; secrets are not shown there, or piped in, and in no argument.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::output::{Output, shown};

/// Longer than any password or token, in bytes.
const LIMIT: usize = 4096;

/// The line that answers `question`, without the blanks around it; `None` where stdin is no terminal, or says no more.
pub(crate) fn line(question: &str, output: &Output<'_>) -> Option<String> {
    if !io::stdin().is_terminal() {
        return None;
    }
    output.ask(question);
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim().to_owned())
}

/// From the terminal where stdin is one, which does not show it, else from stdin; `what` it is.
pub(crate) fn secret(question: &str, what: &str) -> Result<Zeroizing<String>, Failure> {
    let given = if io::stdin().is_terminal() { typed(question, what)? } else { piped(what)? };
    if given.is_empty() {
        let hint = "type it, or give it on stdin, on one line";
        return Err(Failure::new(Exit::Usage, format!("the {what} is empty"), hint));
    }
    Ok(given)
}

fn typed(question: &str, what: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(shown(question)).map(Zeroizing::new).map_err(|error| {
        let why = format!("the terminal gave no {what}: {error}");
        Failure::new(Exit::Usage, why, format!("pipe the {what} in, on one line"))
    })
}

fn piped(what: &str) -> Result<Zeroizing<String>, Failure> {
    let failure = |why: &str| {
        Failure::new(Exit::Usage, format!("stdin: {why}"), format!("pipe the {what} in, on one line"))
    };
    // The buffer never grows, so no copy of the secret is left behind.
    let mut text = Zeroizing::new(String::with_capacity(LIMIT + 2));
    let read = io::stdin().take(LIMIT as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| failure(&error.to_string()))?;
    let line = text.strip_suffix('\n').map_or(&text[..], |line| line.strip_suffix('\r').unwrap_or(line));
    match line {
        line if line.len() > LIMIT => Err(failure("longer than 4 KiB")),
        line if line.contains('\n') => Err(failure("more than one line")),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}
