//! Is the server at the other end believed to be the homeserver, and for how long still?

use meshhook_matrix::{Client, Fingerprint, PresentedCertificate, TlsFailure, TlsTrouble};
use meshhook_model::Timestamp;

use super::report::{Report, counted};
use crate::clock;
use crate::failure::Failure;
use crate::tls;

const CHECK: &str = "certificate";

/// A certificate that ends within so many days ought to have been renewed: who renews by ACME does it a month before.
const ENDING: i64 = 14;
const DAY: i64 = 24 * 3600;

/// Looks at the server's certificate; whether it is believed, or there is none to look at.
pub(super) fn look(
    client: &Client,
    pins: &[Fingerprint],
    report: &mut Report<'_, '_>,
) -> Result<bool, Failure> {
    // A server that is not there is told of with the homeserver.
    let Ok(Some(presented)) = client.certificate() else { return Ok(true) };
    if let Some(refused) = &presented.refused {
        return not_believed(&presented, refused, report).map(|()| false);
    }
    lasting(&presented, report)?;
    for pin in pins.iter().filter(|pin| !is_of(pin, &presented)) {
        report.note(
            (CHECK, "pin_unused"),
            format!("{pin} is pinned, and is not the certificate in use"),
            "keep it while a renewal is to come; after it, take it out of tls_fingerprints",
        )?;
    }
    Ok(true)
}

fn is_of(pin: &Fingerprint, presented: &PresentedCertificate) -> bool {
    *pin == presented.certificate || *pin == presented.public_key
}

fn lasting(presented: &PresentedCertificate, report: &mut Report<'_, '_>) -> Result<(), Failure> {
    let left = (presented.not_after - clock::now().unix()) / DAY;
    let days = counted(u64::try_from(left).unwrap_or(0), "day");
    let until = Timestamp::from_unix(presented.not_after).map_or_else(String::new, |until| until.to_string());
    if left < ENDING {
        let text = format!("the homeserver's certificate ends in {days}, at {until}");
        let hint =
            "have its renewal looked at; with tls_fingerprints the new one has to be written beside the old";
        return report.warning((CHECK, "certificate_ending"), text, hint);
    }
    let Fingerprints { certificate, public_key } = Fingerprints::of(presented);
    report.ok(CHECK, format!("good until {until} ({certificate} {public_key})"))
}

/// As they are written into gateway.toml.
struct Fingerprints {
    certificate: String,
    public_key: String,
}

impl Fingerprints {
    fn of(presented: &PresentedCertificate) -> Self {
        Self { certificate: presented.certificate.to_string(), public_key: presented.public_key.to_string() }
    }
}

fn not_believed(
    presented: &PresentedCertificate,
    refused: &TlsFailure,
    report: &mut Report<'_, '_>,
) -> Result<(), Failure> {
    let code = match refused.trouble {
        TlsTrouble::Pin => "wrong_pin",
        TlsTrouble::Chain => "wrong_ca",
        TlsTrouble::Name => "wrong_name",
        TlsTrouble::Expired => "certificate_expired",
        TlsTrouble::NotYetValid => "certificate_early",
        _ => "tls",
    };
    report.fault((CHECK, code), refused.detail.clone(), tls::hint(refused.trouble, Some(presented)))
}
