//! The id that answer and log share.

use hyper::HeaderMap;
use meshhook_engine::new_id;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-request-id";

const LONGEST: usize = 64;

/// The sender's id, where it is one that no reader of a log could be misled by; else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let mut ids = headers.get_all(HEADER).iter();
    match (ids.next().and_then(|id| id.to_str().ok()), ids.next()) {
        (Some(id), None) if is_plain(id) => id.to_owned(),
        _ => new_id("r_"),
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn of(ids: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for id in ids {
            headers.append(HEADER, HeaderValue::from_bytes(id).unwrap());
        }
        request_id(&headers)
    }

    #[test]
    fn a_plain_id_is_kept_and_any_other_replaced() {
        assert_eq!(of(&[b"72d3162e-cc78.11e3_81ab"]), "72d3162e-cc78.11e3_81ab");
        let long: &[u8] = &[b'a'; 65];
        let others: [&[&[u8]]; 7] = [&[], &[b""], &[b"a b"], &[b"a\"b"], &[b"\xff"], &[long], &[b"a", b"a"]];
        for ids in others {
            assert!(of(ids).starts_with("r_") && of(ids).len() == 28, "{ids:?}");
        }
    }
}
