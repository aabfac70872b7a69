//! hyper's headers, as the verifier wants to see them.

use hyper::HeaderMap;
use meshhook_verify::Headers;

/// Every line of every header, repeats included.
pub(crate) struct Lines<'a>(pub(crate) &'a HeaderMap);

impl Headers for Lines<'_> {
    fn each<'h>(&'h self, name: &str, found: &mut dyn FnMut(&'h [u8])) {
        self.0.get_all(name).iter().for_each(|value| found(value.as_bytes()));
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
        let lines = Lines(&headers);
        lines.each("X-One", &mut |value| seen.push(value));
        assert_eq!(seen, [b"1", b"3"]);
    }
}
