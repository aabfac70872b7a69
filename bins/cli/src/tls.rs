//! What to do about a certificate that is not believed.

use meshhook_matrix::{PresentedCertificate, TlsTrouble};

/// The way out of `trouble`; where the certificate was `presented`, with what is to be written down of it.
pub(crate) fn hint(trouble: TlsTrouble, presented: Option<&PresentedCertificate>) -> String {
    match trouble {
        TlsTrouble::Pin => {
            let pin =
                presented.map(|presented| format!(": \"{}\"", presented.certificate)).unwrap_or_default();
            format!(
                "ask the homeserver's administrator, not over this connection, whether that is its new certificate. \
                 If so, write it into tls_fingerprints{pin}, and restart the gateway; if not, somebody is in between"
            )
        }
        TlsTrouble::Name => {
            let names =
                presented.map(|presented| format!(": {}", presented.names.join(" or "))).unwrap_or_default();
            format!("write the name that it is for into homeserver in [matrix]{names}")
        }
        _ => of_any(trouble).to_owned(),
    }
}

const fn of_any(trouble: TlsTrouble) -> &'static str {
    match trouble {
        TlsTrouble::Chain => {
            "where the authority is your own, name its certificate: ca_file in [matrix]; else the server has to send \
             the certificates in between, too"
        }
        TlsTrouble::Expired => {
            "the homeserver's administrator has to renew it; look at this machine's clock, too"
        }
        TlsTrouble::NotYetValid => "look at this machine's clock",
        _ => {
            "is homeserver in [matrix] an https address, with the right port? openssl s_client -connect HOST:443 \
             -servername HOST shows more"
        }
    }
}
