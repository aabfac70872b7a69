//! Words as a POSIX shell takes them.

use std::path::Path;

/// `text` in quotes, in which the shell takes everything literally.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` as it is where the shell takes that literally, else in quotes.
pub(crate) fn word(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-');
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { quoted(text) }
}

/// A command of ours to be typed next, which is told where gateway.toml lies if this one was.
pub(crate) fn command(words: &str, config_root: Option<&Path>) -> String {
    let root = config_root.map(|root| format!(" --config-root {}", word(&root.display().to_string())));
    format!("{words}{}", root.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_where_if_that_was_said() {
        assert_eq!(command("meshhook doctor", None), "meshhook doctor");
        let root = Some(Path::new("/srv/my root"));
        assert_eq!(command("meshhook doctor", root), "meshhook doctor --config-root '/srv/my root'");
    }

    #[test]
    fn a_shell_takes_quoted_text_literally() {
        for text in ["it's $HOME `id` \\ \"x\"\n!", "/etc/meshhook", ""] {
            for written in [quoted(text), word(text)] {
                let said =
                    std::process::Command::new("sh").args(["-c", &format!("printf %s {written}")]).output();
                assert_eq!(String::from_utf8(said.unwrap().stdout).unwrap(), text);
            }
        }
    }
}
