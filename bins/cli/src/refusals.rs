//! Why POSTs are refused.

use serde_json::Value;

/// What a reason comes from, as a rule.
pub(crate) fn cause(refused: &Value) -> String {
    let off = refused["clock_off_seconds"].as_i64().unwrap_or_default().unsigned_abs();
    match refused["reason"].as_str().unwrap_or_default() {
        "stale" => format!("the sender's clock is {off} s behind, or an old request came again"),
        "future" => format!("the sender's clock is {off} s ahead"),
        reason => word(reason)
            .unwrap_or("a reason that this program does not know: see the gateway's log")
            .to_owned(),
    }
}

fn word(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "unsigned" | "header_missing" | "header_empty" => {
            "the sender has no secret, or signs by another scheme than the source's"
        }
        "signature_mismatch" | "digest_mismatch" => {
            "another secret at the sender, or a proxy that changes bodies"
        }
        "token_mismatch" => "another secret at the sender",
        "header_repeated" => "a proxy that repeats headers",
        "address" => "not in allow_from, or a proxy that trusted_proxies does not name",
        "unknown_source" => "the sender's URL ends in no source's name",
        "no_one_source" => "the sender's URL names no source, and several fit",
        "no_hook" => "the sender's URL is none of a hook",
        "method" => "somebody looked at the URL by GET",
        "content_encoding" => "the sender compresses bodies",
        "body_too_large" => "longer than max_body_bytes",
        "long_after_refusals" => "long, and too many from there were refused before",
        "body_slow" | "body_broken" => "a bad connection, or a proxy that does not buffer bodies",
        "field" | "body" => "a sender of another format than the source's provider",
        "bodies_full" | "queue_full" | "too_old" | "disk_slow" | "store_failed" => {
            "the gateway's disk or memory: see its log and /readyz"
        }
        "room_full" => "the room takes no messages: see /readyz",
        "stopping" | "interrupted" | "engine_gone" => "the gateway was stopping",
        "signature_malformed"
        | "too_many_signatures"
        | "unknown_version"
        | "message_id_malformed"
        | "timestamp_malformed"
        | "signatures_differ"
        | "date_malformed"
        | "digest_malformed"
        | "token_malformed"
        | "not_a_form" => "the sender signs by another scheme, or not as it has to",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The code that gives reasons, up to where its tests begin.
    const CODE: [&str; 4] = [
        include_str!("../../../crates/verify/src/refusal.rs"),
        include_str!("../../gateway/src/problem.rs"),
        include_str!("../../gateway/src/ingress/gate.rs"),
        include_str!("../../gateway/src/ingress/mod.rs"),
    ];

    /// What stands after these is a reason: an arm's or a constant's word, or the last argument of a problem.
    const BEFORE: [&str; 5] = ["=> \"", "&str = \"", "unauthorized(\"", "unavailable(\"", ", \""];

    /// Of requests to the admin listener alone.
    const ADMIN: [&str; 1] = ["admin_token"];

    fn reasons() -> Vec<&'static str> {
        let code = CODE.iter().flat_map(|code| code.split("#[cfg(test)]").next()).flat_map(str::lines);
        let code = code.filter(|line| !line.trim_start().starts_with("//"));
        let words = code.flat_map(|line| BEFORE.iter().flat_map(|before| line.split(before).skip(1)));
        let words = words.filter_map(|rest| rest.split_once('"').map(|(word, _)| word));
        let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        words.filter(|word| !word.is_empty() && is_word(word) && !ADMIN.contains(word)).collect()
    }

    #[test]
    fn every_reason_of_the_gateway_has_a_cause() {
        let reasons = reasons();
        assert!(reasons.len() > 30, "{reasons:?}");
        for reason in reasons {
            assert!(!cause(&json!({ "reason": reason })).contains("does not know"), "{reason}");
        }
        assert!(cause(&json!({ "reason": "new" })).contains("does not know"));
    }
}
