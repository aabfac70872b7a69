//! Ids that nobody had before.

use base64ct::{Base64, Encoding as _};

use crate::failure::{Exit, Failure};

/// Bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(
            Exit::NotSo,
            format!("no random numbers: {error}"),
            "the operating system has to give them",
        )
    })?;
    Ok(bytes)
}

/// `2 * N` hexadecimal digits.
pub(crate) fn hex<const N: usize>() -> Result<String, Failure> {
    Ok(bytes::<N>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A secret of Standard Webhooks: `whsec_` and the base64 of 32 bytes.
pub(crate) fn standard_secret() -> Result<String, Failure> {
    Ok(format!("whsec_{}", Base64::encode_string(&bytes::<32>()?)))
}

/// A GUID as GitHub and GitLab number what they send.
pub(crate) fn guid() -> Result<String, Failure> {
    let parts = [hex::<4>()?, hex::<2>()?, hex::<2>()?, hex::<2>()?, hex::<6>()?];
    Ok(parts.join("-"))
}

/// A message id as Standard Webhooks suggests it.
pub(crate) fn message_id() -> Result<String, Failure> {
    Ok(format!("msg_{}", hex::<12>()?))
}

/// A number below `end`, for ids that need not be guessed.
pub(crate) fn below(end: u32) -> Result<u32, Failure> {
    Ok(u32::from_le_bytes(bytes()?) % end)
}
