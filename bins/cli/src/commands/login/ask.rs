//! What is asked of whoever sits at the terminal.

use std::io::{self, IsTerminal, Write};

use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::prompt;

/// A line of stdin, where that is a terminal.
pub(super) fn line(prompt: &str, hint: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "nobody is there to be asked", hint));
    }
    let mut line = String::new();
    let asked = write!(io::stderr(), "{prompt}").and_then(|()| io::stdin().read_line(&mut line));
    asked.map_err(|error| Failure::new(Exit::Usage, format!("the terminal gave no line: {error}"), hint))?;
    Ok(line.trim().to_owned())
}

/// The password: from stdin where that was said, else from the terminal, which does not show it.
pub(super) fn password(user: &str, from_stdin: bool) -> Result<Zeroizing<String>, Failure> {
    let (message, hint) = match (from_stdin, io::stdin().is_terminal()) {
        (true, true) => (
            "stdin is a terminal, which would show the password",
            "leave --password-stdin away, and the password is asked for",
        ),
        (false, false) => (
            "nobody is there to be asked for the password",
            "run it in a terminal, or write --password-stdin and pipe the password in",
        ),
        _ => return prompt::secret(&format!("password of {user}: "), "password"),
    };
    Err(Failure::new(Exit::Usage, message, hint))
}
