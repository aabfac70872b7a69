//! Is there a homeserver, can it be trusted, and does its clock agree?

use meshhook_matrix::{Client, Failure as Unanswered};

use super::case::Case;
use super::certificate;
use super::report::Report;
use crate::clock;
use crate::failure::Failure;

/// Beyond this nothing expires in the store any more (`meshhook_engine` compares the same).
const TOO_FAR: u64 = 300;
/// What clocks that are kept in time do not come to.
const APART: u64 = 30;

/// A client of a homeserver that answers.
pub(super) fn look(case: &Case, report: &mut Report<'_, '_>) -> Result<Option<Client>, Failure> {
    let client = match case.client() {
        None => {
            report.skipped("homeserver", "gateway.toml has to name one first")?;
            return Ok(None);
        }
        Some(Err(why)) => {
            report.fault(
                ("homeserver", "homeserver_address"),
                why.to_string(),
                "correct [matrix] in gateway.toml",
            )?;
            return Ok(None);
        }
        Some(Ok(client)) => client,
    };
    if !certificate::look(&client, case.pins(), report)? {
        return Ok(None);
    }
    let address = case.homeserver.as_deref().unwrap_or_default();
    match client.versions() {
        Err(failure) => {
            unanswered(address, &failure, report)?;
            Ok(None)
        }
        Ok(versions) => {
            let newest = versions.last().map_or("none", String::as_str);
            report.ok(
                "homeserver",
                format!("{address} answers; the newest version that it speaks is {newest}"),
            )?;
            compare_clocks(&client, report)?;
            Ok(Some(client))
        }
    }
}

fn unanswered(address: &str, failure: &Unanswered, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    match failure.status {
        None => report.fault(
            ("homeserver", "unreachable"),
            format!("{address} cannot be reached: {}", failure.detail),
            format!("try it from this machine: curl -v {address}/_matrix/client/versions"),
        ),
        Some(_) => report.fault(
            ("homeserver", "no_homeserver"),
            format!("what answers at {address} is no homeserver: {failure}"),
            "homeserver in gateway.toml has to be the base address of the client-server API: the m.homeserver.base_url of \
             https://SERVER_NAME/.well-known/matrix/client",
        ),
    }
}

fn compare_clocks(client: &Client, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let Ok(Some(theirs)) = client.server_time() else {
        return report.skipped("clock", "the homeserver tells no time");
    };
    let ours = clock::now().unix();
    let apart = ours.abs_diff(theirs);
    let way = if ours > theirs { "ahead of" } else { "behind" };
    let text = format!("this machine's clock is {apart} s {way} the homeserver's");
    let hint = "let NTP set this machine's clock (timedatectl set-ntp true), or the homeserver's";
    match apart {
        0..APART => report.ok("clock", "this machine's clock and the homeserver's agree"),
        APART..=TOO_FAR => report.warning(("clock", "clock_apart"), text, hint),
        _ => report.fault(
            ("clock", "clock_skewed"),
            format!("{text}: requests that are signed with their time are refused, and nothing that was sent is forgotten"),
            hint,
        ),
    }
}
