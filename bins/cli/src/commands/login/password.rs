//! The password, of whoever sits at the terminal or at the other end of a pipe.

use std::io::{self, IsTerminal};

use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::prompt;

/// The password: from stdin where that was said, else from the terminal, which does not show it.
pub(super) fn read(user: &str, from_stdin: bool) -> Result<Zeroizing<String>, Failure> {
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
