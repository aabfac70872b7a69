//! Who posts, who does not any more, and who is refused.

use meshhook_config::{Config, Source, StoreUrl};
use meshhook_model::Timestamp;
use meshhook_store::KeyUse;
use meshhook_store_sqlite::Peek;
use serde_json::Value;

use super::gateway::{Heard, items};
use super::report::{Report, counted};
use super::silence::{is_long_before, is_silent};
use crate::failure::Failure;
use crate::refusals::cause;

const CHECK: &str = "source";

pub(super) fn look(
    config: &Config,
    heard: Option<&Heard>,
    peek: Option<&Peek>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let uses = peek.map(|peek| peek.key_uses().unwrap_or_default());
    for source in &config.sources {
        let told = heard.map(|heard| find(&heard.sources, &source.name));
        if told == Some(&Value::Null) {
            not_in_force(source, report)?;
            continue;
        }
        let last = match told {
            Some(told) => told["last_seen"].as_str().and_then(Timestamp::parse_rfc3339),
            None => uses.as_deref().and_then(|uses| last_seen(uses, &source.name)),
        };
        if heard.is_some() || uses.is_some() {
            silence(config, source, last, report)?;
        }
        for refused in told.map(|told| items(&told["refused"])).unwrap_or_default() {
            refusal(config, source, refused, last, report)?;
        }
        old_keys(source, told, last, report)?;
    }
    match heard {
        Some(heard) => {
            items(&heard.sources["elsewhere"]).iter().try_for_each(|one| elsewhere(config, one, report))
        }
        None => Ok(()),
    }
}

fn find<'a>(sources: &'a Value, name: &str) -> &'a Value {
    items(&sources["sources"]).iter().find(|source| source["name"] == name).unwrap_or(&Value::Null)
}

fn last_seen(uses: &[KeyUse], name: &str) -> Option<Timestamp> {
    let last = uses.iter().filter(|one| one.source == name).map(|one| one.last_used).max()?;
    Timestamp::from_unix(last.seconds())
}

/// It stands in gateway.toml, and the gateway that runs does not know it.
fn not_in_force(source: &Source, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let text = format!("the gateway that runs does not know {} yet: its POSTs are answered 401", source.name);
    let reload = report.command("meshhook-gateway reload");
    report.fault((CHECK, "not_in_force"), text, format!("have it read gateway.toml again: {reload}"))
}

fn silence(
    config: &Config,
    source: &Source,
    last: Option<Timestamp>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let name = &source.name;
    let since = if config.store.url == StoreUrl::Memory { " since the gateway's start" } else { "" };
    let hint = "look at the sender's own list of deliveries: which address, and what was it answered? meshhook post tries the \
                way with a message of yours";
    match last {
        None => report.warning(
            (CHECK, "never_heard"),
            format!("nothing of {name} was ever accepted{since}"),
            hint,
        ),
        Some(last) if is_silent(last) => {
            report.warning((CHECK, "silent"), format!("{name} was last heard of at {last}"), hint)
        }
        Some(last) => report.ok(CHECK, format!("{name} was last heard of at {last}")),
    }
}

/// What was refused of a source. Since anybody can post there, it is a fault only where nothing good has come since.
fn refusal(
    config: &Config,
    source: &Source,
    refused: &Value,
    last_good: Option<Timestamp>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let text = |key: &str| refused[key].as_str().unwrap_or("?");
    let (reason, count) = (text("reason"), refused["count"].as_u64().unwrap_or(0));
    let at = refused["last_at"].as_str().and_then(Timestamp::parse_rfc3339);
    let told = format!(
        "{} to {} refused, last at {} from {}: {}",
        counted(count, "request"),
        source.name,
        text("last_at"),
        refused["client"].as_str().unwrap_or("an unknown address"),
        cause(refused)
    );
    if at.is_some_and(|at| last_good.is_some_and(|good| good > at)) {
        return report.note(
            (CHECK, "refused_before"),
            told,
            "good ones have come since: a stranger, or mended",
        );
    }
    let code = code(reason);
    let hint = hint(config, source, code);
    match code {
        // Somebody looked at the address, or was cut off: of the sender's settings that proves nothing.
        "refused" | "gateway_busy" => report.warning((CHECK, code), told, hint),
        _ => report.fault((CHECK, code), told, hint),
    }
}

fn code(reason: &str) -> &'static str {
    match reason {
        "signature_mismatch" | "digest_mismatch" | "token_mismatch" => "wrong_secret",
        "unsigned" | "header_missing" | "header_empty" => "unsigned",
        "stale" | "future" => "stale_sender",
        "address" => "address_not_allowed",
        "bodies_full" | "queue_full" | "too_old" | "disk_slow" | "store_failed" | "room_full"
        | "stopping" | "interrupted" | "engine_gone" => "gateway_busy",
        _ => "refused",
    }
}

/// What mends it.
fn hint(config: &Config, source: &Source, code: &str) -> String {
    let files =
        source.secret_files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    match code {
        "wrong_secret" => {
            format!(
                "put the secret of {files} into the sender's settings anew, without blanks or a line end after it"
            )
        }
        "unsigned" => {
            format!(
                "set the secret of {files} in the sender's settings; a page opened in a browser looks the same"
            )
        }
        "stale_sender" => {
            "let NTP set the sender's clock; a proxy that keeps requests for minutes does the same".to_owned()
        }
        "address_not_allowed" => format!(
            "add the sender's network to allow_from of {}; behind a proxy, X-Forwarded-For has to reach us from one of \
             trusted_proxies ({})",
            source.name, config.server.trusted_proxies
        ),
        "gateway_busy" => {
            "who sends again gets through; GitHub, Gitea, Bitrise and Drone do not: send those again there"
                .to_owned()
        }
        _ => "compare the sender's settings with docs/providers; the gateway's log has the request's id"
            .to_owned(),
    }
}

/// A key that is still valid although the sender has taken another.
fn old_keys(
    source: &Source,
    told: Option<&Value>,
    last: Option<Timestamp>,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let keys: Vec<_> = told.map(|told| items(&told["keys"])).unwrap_or_default().iter().collect();
    let valid: Vec<_> = keys.into_iter().filter(|key| key["configured"] != false).collect();
    if valid.len() < 2 {
        return Ok(());
    }
    let reload = report.command("meshhook-gateway reload");
    for key in valid {
        let used = key["last_used"].as_str().and_then(Timestamp::parse_rfc3339);
        let idle = last.is_some_and(|last| used.is_none_or(|used| is_long_before(used, last)));
        if idle {
            let name = key["name"].as_str().unwrap_or_default();
            let used = used.map_or_else(|| "never".to_owned(), |used| format!("last at {used}"));
            report.note(
                (CHECK, "key_unused"),
                format!("the secret {name} of {} is valid, and was used {used}", source.name),
                format!(
                    "if its sender has another one by now, take it out of secret_files, and then: {reload}"
                ),
            )?;
        }
    }
    Ok(())
}

/// Requests that named no source of ours.
fn elsewhere(config: &Config, one: &Value, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let reason = one["reason"].as_str().unwrap_or("?");
    let told = format!(
        "{} to the address of no source: last at {} from {}: {}",
        counted(one["count"].as_u64().unwrap_or(0), "request"),
        one["last_at"].as_str().unwrap_or("?"),
        one["client"].as_str().unwrap_or("an unknown address"),
        cause(one),
    );
    let names = config.sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join("|");
    let hint = format!(
        "strangers try addresses; but if it is your CI system, it has to post to https://…{}/{{{names}}}",
        config.server.path
    );
    match reason {
        "unknown_source" | "no_one_source" | "no_hook" => report.warning((CHECK, "wrong_path"), told, hint),
        _ => report.note((CHECK, "refused_elsewhere"), told, hint),
    }
}
