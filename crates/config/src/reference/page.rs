//! The reference as parts of a page: a gateway.toml with every key, and what is to be known beyond a line.

use super::{Form, Key, Standing, TABLES, Table, entries};

/// The columns in which comments begin, the first that a line leaves free.
const COLUMNS: [usize; 2] = [40, 49];
const WIDTH: usize = 120;

/// A gateway.toml of every key and its default, each with its meaning; what is not there by itself is commented out.
#[must_use]
pub fn block() -> String {
    TABLES.iter().map(table).collect::<Vec<_>>().join("\n")
}

fn table(table: &Table) -> String {
    let mark = if matches!(table.form, Form::Wanted | Form::Any) { "# " } else { "" };
    let mut lines = line(&format!("{mark}{}", table.heading()), table.about);
    for key in table.keys {
        let absent = matches!(key.standing, Standing::Absent(_)) && mark.is_empty();
        let mark = if absent { "# " } else { mark };
        lines += &line(&format!("{mark}{}", assignment(key)), &comment(key));
    }
    lines
}

/// A key with a value, as it stands in a line.
fn assignment(key: &Key) -> String {
    format!("{} = {}", key.name, key.example())
}

fn comment(key: &Key) -> String {
    if key.is_needed() { format!("needed: {}", key.about) } else { key.about.to_owned() }
}

/// A line of TOML with its comment, in one of the columns.
pub(crate) fn line(toml: &str, comment: &str) -> String {
    if comment.is_empty() {
        return format!("{toml}\n");
    }
    let length = toml.chars().count();
    let column = COLUMNS.into_iter().find(|column| length < *column).unwrap_or(length + 2);
    format!("{toml}{:width$}# {comment}\n", "", width = column - length)
}

/// What is to be known of some keys beyond a line, as a Markdown list.
#[must_use]
pub fn notes() -> String {
    let entries = entries();
    let told = entries.iter().filter(|entry| !entry.key.more.is_empty());
    told.map(|entry| wrapped(&format!("- `{}`: {}", entry.path, entry.key.more), WIDTH, "  ")).collect()
}

/// `text` in lines of at most `width` characters, as far as its words allow; `indent` before all but the first.
#[must_use]
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.trim().is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines += &line;
            lines.push('\n');
            line = indent.to_owned();
        } else if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    format!("{lines}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_long_as_their_words_allow() {
        assert_eq!(wrapped("- one two three", 9, "  "), "- one two\n  three\n");
        assert_eq!(wrapped("extraordinarily long", 4, ""), "extraordinarily\nlong\n");
        assert_eq!(wrapped("", 4, ""), "\n");
    }

    #[test]
    fn comments_stand_in_columns() {
        assert_eq!(line("a = 1", "one").find('#'), Some(40));
        assert_eq!(line(&"x".repeat(40), "one").find('#'), Some(49));
        assert_eq!(line(&"x".repeat(60), "one").find('#'), Some(62));
        assert_eq!(line("a = 1", ""), "a = 1\n");
    }

    #[test]
    fn no_line_is_too_long() {
        for line in block().lines().chain(notes().lines()) {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}
