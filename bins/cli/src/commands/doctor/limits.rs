//! How fast may it write?

use super::account::Account;
use super::case::Case;
use super::report::Report;
use crate::failure::Failure;

/// No request tells a user's limits; this says what they usually are (Synapse, `rc_message`).
pub(super) fn look(
    case: &Case,
    Account { user }: &Account,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    if let Some(service) = &case.service {
        // One that does not is warned about with the configuration.
        return match service.registration.rate_limited {
            true => Ok(()),
            false => report
                .ok("rate limit", "the registration lifts it for machines' users; its own user has none"),
        };
    }
    let lines = case.config.as_ref().map_or(20, |config| config.digest.max_lines);
    let homeserver = case.homeserver.as_deref().unwrap_or_default();
    report.note(
        ("rate limit", "rate_limit"),
        format!(
            "where nobody has lifted it, Synapse lets {user} send 10 messages at once, then one each 5 s; a burst beyond that \
             waits, and up to {lines} lines share a message"
        ),
        format!(
            "an administrator lifts it, with a token of theirs: curl -X POST -H \"Authorization: Bearer $ADMIN_TOKEN\" -d \
             '{{\"messages_per_second\":0,\"burst_count\":0}}' '{homeserver}/_synapse/admin/v1/users/{user}/override_ratelimit'"
        ),
    )
}
