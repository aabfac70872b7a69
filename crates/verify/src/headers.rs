//! A request's headers, whatever the HTTP library.

use crate::Refusal;

/// The header lines of a request.
///
/// An implementation shows a repeated header as often as it was sent: a scheme refuses what comes twice, since
/// two readers of one request could otherwise take different lines. Values come as bytes, without the blanks
/// around them (RFC 9110, section 5.5).
pub trait Headers {
    /// Calls `found` with the value of each line of that name, in the order of the lines.
    ///
    /// Names are compared without regard to ASCII case.
    fn each<'h>(&'h self, name: &str, found: &mut dyn FnMut(&'h [u8]));
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for &[(N, V)] {
    fn each<'h>(&'h self, name: &str, found: &mut dyn FnMut(&'h [u8])) {
        each_of(self, name, found);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LINES: usize> Headers for [(N, V); LINES] {
    fn each<'h>(&'h self, name: &str, found: &mut dyn FnMut(&'h [u8])) {
        each_of(self, name, found);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn each<'h>(&'h self, name: &str, found: &mut dyn FnMut(&'h [u8])) {
        each_of(self, name, found);
    }
}

fn each_of<'h, N: AsRef<str>, V: AsRef<[u8]>>(
    lines: &'h [(N, V)],
    name: &str,
    found: &mut dyn FnMut(&'h [u8]),
) {
    for (_, value) in lines.iter().filter(|(n, _)| n.as_ref().eq_ignore_ascii_case(name)) {
        found(value.as_ref());
    }
}

/// The value of a header that must be there once and not be empty.
pub(crate) fn only<'h>(headers: &'h dyn Headers, header: &'static str) -> Result<&'h [u8], Refusal> {
    at_most_one(headers, header)?.ok_or(Refusal::HeaderMissing { header })
}

/// The value of a header that may be missing, but comes neither twice nor empty.
pub(crate) fn at_most_one<'h>(
    headers: &'h dyn Headers,
    header: &'static str,
) -> Result<Option<&'h [u8]>, Refusal> {
    let mut value: Option<&[u8]> = None;
    let mut repeated = false;
    headers.each(header, &mut |line| repeated |= value.replace(line).is_some());
    match value {
        _ if repeated => Err(Refusal::HeaderRepeated { header }),
        Some([]) => Err(Refusal::HeaderEmpty { header }),
        value => Ok(value),
    }
}

/// Whether there is a line of that name at all.
pub(crate) fn is_present(headers: &dyn Headers, name: &str) -> bool {
    begins_with(headers, name, "")
}

/// Whether there is a line of that name whose value begins with `prefix`.
pub(crate) fn begins_with(headers: &dyn Headers, name: &str, prefix: &str) -> bool {
    let mut found = false;
    headers.each(name, &mut |value| found |= value.starts_with(prefix.as_bytes()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_lines_keep_their_order() {
        let lines = [("X-One", "1"), ("x-two", "2"), ("x-ONE", "3")];
        let mut seen = Vec::new();
        lines.each("x-one", &mut |value| seen.push(value));
        assert_eq!(seen, [b"1", b"3"]);
    }

    #[test]
    fn only_means_once_and_not_empty() {
        let lines =
            vec![("once", "1"), ("empty", ""), ("twice", "1"), ("Twice", "1"), ("void", ""), ("void", "")];
        assert_eq!(only(&lines, "once"), Ok(&b"1"[..]));
        assert_eq!(only(&lines, "absent"), Err(Refusal::HeaderMissing { header: "absent" }));
        assert_eq!(only(&lines, "empty"), Err(Refusal::HeaderEmpty { header: "empty" }));
        assert_eq!(only(&lines, "twice"), Err(Refusal::HeaderRepeated { header: "twice" }));
        assert_eq!(only(&lines, "void"), Err(Refusal::HeaderRepeated { header: "void" }));
        assert!(is_present(&lines.as_slice(), "VOID"));
        assert!(!is_present(&lines.as_slice(), "absent"));
        assert!(begins_with(&lines, "once", "1") && !begins_with(&lines, "once", "11"));
    }
}
