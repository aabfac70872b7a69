//! hyper's headers, as the verifier wants to see them.

use hyper::HeaderMap;
use meshhook_verify::Headers;

/// Under this name the token in the path of a hook is shown: none that a client can send in a header.
const PATH_TOKEN: &str = ":path-token";

/// What a request brings to prove whose it is: every line of every header, repeats included, and the token in its path.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a> {
    /// The headers.
    pub(crate) headers: &'a HeaderMap,
    /// What follows the source's name in the path.
    pub(crate) token: Option<&'a str>,
}

impl Headers for Lines<'_> {
    fn each<'h>(&'h self, name: &str, found: &mut dyn FnMut(&'h [u8])) {
        if name == PATH_TOKEN {
            return self.token.into_iter().for_each(|token| found(token.as_bytes()));
        }
        self.headers.get_all(name).iter().for_each(|value| found(value.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_shown_in_order_and_case_does_not_count() {
        let mut headers = HeaderMap::new();
        headers.append("x-one", "1".parse().unwrap());
        headers.append("x-two", "2".parse().unwrap());
        headers.append("x-one", "3".parse().unwrap());
        let mut seen = Vec::new();
        let lines = Lines { headers: &headers, token: Some("t") };
        lines.each("X-One", &mut |value| seen.push(value));
        assert_eq!(seen, [b"1", b"3"]);
        let mut seen = Vec::new();
        lines.each(PATH_TOKEN, &mut |value| seen.push(value));
        assert_eq!(seen, [b"t"]);
    }

    #[test]
    fn nobody_can_send_the_paths_token_in_a_header() {
        assert!(PATH_TOKEN.parse::<hyper::header::HeaderName>().is_err());
    }
}
