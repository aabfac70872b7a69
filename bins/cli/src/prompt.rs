//! Questions whose answer nobody else may see: not on the terminal, and in no argument.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// Asks on stderr, and reads a line of stdin; a terminal does not show it.
pub(crate) fn secret(question: &str) -> Result<Zeroizing<String>, Failure> {
    let _hidden = io::stdin().is_terminal().then(|| {
        // Without a stderr there is nobody to ask, and the answer is awaited all the same.
        let _ = write!(io::stderr(), "{question}");
        Hidden::begin()
    });
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).map_err(|error| unanswered(&error.to_string()))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(unanswered("nothing was given")),
        answer => Ok(Zeroizing::new(answer.to_owned())),
    }
}

fn unanswered(why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("no answer: {why}"), "type it, or give it on stdin, on one line")
}

/// While this lives the terminal shows nothing that is typed.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> Self {
        let Ok(shown) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        let set = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        Self(set.is_ok().then_some(shown))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(shown) = &self.0 {
            // There is nothing else to be done where a terminal is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, shown);
        }
    }
}
