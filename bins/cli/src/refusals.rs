//! Why POSTs are refused.

use serde_json::Value;

/// What a reason comes from, as a rule.
pub(crate) fn cause(refused: &Value) -> String {
    let off = refused["clock_off_seconds"].as_i64().unwrap_or_default().unsigned_abs();
    match refused["reason"].as_str().unwrap_or_default() {
        "stale" => format!("the sender's clock is {off} s behind, or an old request came again"),
        "future" => format!("the sender's clock is {off} s ahead"),
        reason => word(reason).to_owned(),
    }
}

fn word(reason: &str) -> &'static str {
    match reason {
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
        _ => "the sender signs by another scheme, or not as it has to",
    }
}
