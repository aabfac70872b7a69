//! A POST as a command for a shell, signature and all, without the key.

use super::envelope::Envelope;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::shell::quoted;

/// Linux takes arguments of up to 128 KiB.
const LONGEST_BODY: usize = 100 << 10;

pub(super) fn print(envelope: &Envelope<'_>, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Some(until) = envelope.valid_until {
        let until = until.to_string();
        output.raw(&format!("# valid until {} UTC\n", time_of_day(&until)))?;
    }
    output.raw(&command(envelope)?)
}

fn command(envelope: &Envelope<'_>) -> Result<String, Failure> {
    let body = std::str::from_utf8(envelope.body)
        .ok()
        .filter(|text| !text.contains('\0') && text.len() <= LONGEST_BODY);
    let body = body.ok_or_else(|| {
        let hint = "post it without --curl";
        Failure::new(Exit::Usage, "the body does not fit into a command: over 100 KiB, or no text", hint)
    })?;
    let mut command = format!("curl -sS --fail-with-body -X POST {}", quoted(&envelope.url));
    for (name, value) in &envelope.headers {
        command += &format!(" \\\n  -H {}", quoted(&format!("{name}: {value}")));
    }
    Ok(command + &format!(" \\\n  --data-raw {}\n", quoted(body)))
}

fn time_of_day(rfc3339: &str) -> &str {
    rfc3339.get(11..19).unwrap_or(rfc3339)
}
