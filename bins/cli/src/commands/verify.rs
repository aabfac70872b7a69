//! `meshhook verify`: who signed a body, or why a gateway would refuse it.

use std::path::PathBuf;

use clap::Args;
use meshhook_model::Timestamp;
use meshhook_verify::{Key, Refusal, Scheme, Unverified, Verified, Verifier};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::input::Request;
use crate::output::Output;
use crate::scheme::FormArgs;
use crate::{args, clock, scheme, secrets};

/// Say who signed a body, or why a gateway would refuse it
#[derive(Args)]
pub(crate) struct Verify {
    /// How it is signed
    #[arg(long, value_parser = scheme::name())]
    scheme: &'static str,
    #[command(flatten)]
    form: FormArgs,
    /// A secret's file; may be repeated [env: MESHHOOK_SECRET_FILE, or the secret itself in MESHHOOK_SECRET]
    #[arg(long = "secret-file", value_name = "FILE")]
    secret_files: Vec<PathBuf>,
    /// The time that a signed one is compared with [default: now]
    #[arg(long, value_name = "RFC 3339", value_parser = args::time)]
    now: Option<Timestamp>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    request: Request,
}

impl Verify {
    pub(crate) fn run(&self, output: &mut Output<'_>) -> Result<(), Failure> {
        let scheme = self.form.scheme(self.scheme)?;
        let verifier = Verifier::new(scheme, self.keys(scheme)?)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string(), "write --secret-file FILE"))?;
        let now = self.now.unwrap_or_else(clock::now).unix();
        let body = Unverified::new(self.request.body()?);
        match body.verify(&verifier, &self.request.headers, now) {
            Ok(verified) => self.genuine(&verified, scheme.proves_body(), output),
            Err(refusal) => self.refused(refusal, output),
        }
    }

    fn keys(&self, scheme: Scheme) -> Result<Vec<Key>, Failure> {
        if self.secret_files.is_empty() {
            return Ok(vec![secrets::key_of_environment(scheme)?]);
        }
        self.secret_files.iter().map(|file| secrets::key_in(scheme, file)).collect()
    }

    fn genuine(
        &self,
        verified: &Verified<Vec<u8>>,
        proves_body: bool,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let signed_at = verified.signed_at().and_then(Timestamp::from_unix);
        if self.json {
            let mut object = json!({ "genuine": true, "key": verified.key(), "body_proved": proves_body });
            if let Some(id) = verified.message_id() {
                object["message_id"] = id.into();
            }
            if let Some(at) = signed_at {
                object["signed_at"] = at.to_string().into();
            }
            return output.json(&object);
        }
        let id = verified.message_id().map(|id| format!(", message {id}")).unwrap_or_default();
        let at = signed_at.map(|at| format!(", signed at {at}")).unwrap_or_default();
        let body = if proves_body { "" } else { "; of the body nothing is proved" };
        output.line(&format!("genuine: key {}{id}{at}{body}", verified.key()))
    }

    fn refused(&self, refusal: Refusal, output: &mut Output<'_>) -> Result<(), Failure> {
        if self.json {
            output.json(
                &json!({ "genuine": false, "reason": refusal.code(), "detail": refusal.to_string() }),
            )?;
        }
        Err(Failure::new(Exit::NotSo, format!("not genuine: {refusal}"), hint(&refusal)))
    }
}

fn hint(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::HeaderMissing { .. } => "give it as it was sent: --header 'Name: value'",
        Refusal::HeaderEmpty { .. } => "set a secret at the sender",
        Refusal::TokenMismatch => "compare the secret with the token that was sent",
        Refusal::SignatureMismatch => "compare the secrets; the body has to be the very bytes that were sent",
        Refusal::Stale { .. } | Refusal::Future { .. } => {
            "compare the clocks; a recorded request is judged by --now with its time"
        }
        _ => "compare it with what the scheme asks for",
    }
}
