//! A body with what is needed to read it again, as the store keeps it.
//!
//! The body comes first and as it came; a line of JSON behind it tells the rest. So nothing is copied for the many
//! that are understood.

use serde::{Deserialize, Serialize};

/// What a body alone does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Context {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) event_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed_at: Option<i64>,
}

impl Context {
    pub(crate) fn append_to(&self, mut body: Vec<u8>) -> Vec<u8> {
        // Options of strings and numbers cannot fail to be written.
        let line = serde_json::to_vec(self).unwrap_or_default();
        // Else as much again would be reserved as the body takes.
        body.reserve_exact(1 + line.len());
        body.push(b'\n');
        body.extend(line);
        body
    }

    pub(crate) fn split_from(raw: &[u8]) -> Option<(&[u8], Self)> {
        let (body, line) = split(raw)?;
        Some((body, serde_json::from_slice(line).ok()?))
    }
}

/// The body alone.
pub(crate) fn body(raw: &[u8]) -> &[u8] {
    split(raw).map_or(raw, |(body, _)| body)
}

fn split(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = raw.iter().rposition(|&byte| byte == b'\n')?;
    Some((&raw[..line], &raw[line + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_kept_is_what_came(body: Vec<u8>, event in any::<Option<String>>(), at in any::<Option<i64>>()) {
            let context = Context { event_header: event.clone(), message_id: event, signed_at: at };
            let raw = context.append_to(body.clone());
            prop_assert_eq!(Context::split_from(&raw), Some((&body[..], context)));
            prop_assert_eq!(super::body(&raw), body);
        }
    }
}
