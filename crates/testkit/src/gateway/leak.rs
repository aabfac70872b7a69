//! Secrets that got into a log.

/// Shorter ones occur in any text.
const SHORTEST: usize = 8;

/// The lines of `log` that hold one of `secrets`, or the value of an Authorization header.
pub(super) fn find(log: &str, secrets: &[String]) -> Vec<String> {
    // Standard Webhooks' secrets are shown with a prefix that is no part of the key.
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.trim_start_matches("whsec_")).collect();
    let leaks = |line: &&str| {
        shows_bearer(line) || secrets.iter().any(|secret| secret.len() >= SHORTEST && line.contains(secret))
    };
    log.lines().filter(leaks).map(str::to_owned).collect()
}

fn shows_bearer(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    lower.split("bearer ").skip(1).any(|rest| !rest.trim_start().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_leak_is_found() {
        let secrets = ["syt_token_1".to_owned(), "whsec_MfKQ9r8GKYqr".to_owned(), "short".to_owned()];
        for leak in [
            "sending with syt_token_1",
            "{\"header\":\"Authorization: Bearer x\"}",
            "authorization=bearer abc",
            "key MfKQ9r8GKYqr= of whsec",
        ] {
            assert_eq!(find(&format!("fine\n{leak}\nfine"), &secrets), [leak]);
        }
        assert!(find("a short line\nBearer \nno bearer\nthe token file is bad", &secrets).is_empty());
    }
}
