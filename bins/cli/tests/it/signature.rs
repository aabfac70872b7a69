//! `sign` and `verify`.

use crate::words::{GITHUB, STANDARD, Secrets, all_said, fixtures, meshhook, said};

const BODY: &str = "standard/run-running.json";

#[test]
fn what_was_signed_is_genuine() {
    let secrets = Secrets::new();
    for scheme in ["github", "standard-webhooks"] {
        let file = secrets.path(scheme.split('-').next().unwrap());
        let sign = meshhook()
            .args(["sign", "--scheme", scheme, "--secret-file"])
            .arg(&file)
            .arg(BODY)
            .output()
            .unwrap();
        assert!(sign.status.success());
        let mut verify = meshhook();
        verify.args(["verify", "--scheme", scheme, "--secret-file"]).arg(&file);
        for header in String::from_utf8(sign.stdout).unwrap().lines() {
            verify.args(["--header", header]);
        }
        verify.arg(BODY).assert().success();
    }
}

/// The token of a path stands in no header, and yet is told like one.
#[test]
fn a_token_in_a_path_is_verified_as_it_was_signed() {
    let secrets = Secrets::new();
    secrets.write("path", "0a1b2c3d4e5f60718293a4b5c6d7e8f9");
    let flags = "--scheme path-token --secret-file @path";
    let told = all_said(
        &secrets,
        &[
            &format!("sign {flags} {BODY}"),
            &format!("verify {flags} --header ':path-token: 0a1b2c3d4e5f60718293a4b5c6d7e8f9' {BODY}"),
            &format!("verify {flags} --header ':path-token: 0a1b2c3d4e5f60718293a4b5c6d7e8f0' {BODY}"),
            &format!("verify {flags} --header '::path-token: x' {BODY}"),
            &format!("verify {flags} --header ': x' {BODY}"),
            &format!("verify {flags} --header ':path-token' {BODY}"),
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn signatures_are_those_of_their_schemes() {
    let told = all_said(
        &Secrets::new(),
        &[
            "sign --scheme github --secret-file @github standard/run-running.json",
            "sign --scheme github --secret-file @github --json standard/run-running.json",
            "sign --scheme standard-webhooks --secret-file @standard --id msg_1 --now 2026-05-04T04:00:00Z standard/run-running.json",
            "sign --scheme standard-webhooks --secret-file @standard --id a.b standard/run-running.json",
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn why_something_is_not_genuine_is_said() {
    let secrets = Secrets::new();
    let id = "--header 'webhook-id: msg_1'";
    let time = "--header 'webhook-timestamp: 1777867200'";
    let signature = "--header 'Webhook-Signature: v1,ED3TqeWbqaeXRxDzy5jaFcA/o7GlB+wus5B9lsDDt8U='";
    let verify = "verify --scheme standard-webhooks --secret-file @standard";
    let told = all_said(
        &secrets,
        &[
            &format!("{verify} {id} {time} {signature} --now 2026-05-04T04:05:00Z {BODY}"),
            &format!("{verify} {id} {time} {signature} --now 2026-05-04T04:05:00Z --json {BODY}"),
            &format!("{verify} {id} {time} {signature} --now 2026-05-04T04:05:01Z {BODY}"),
            &format!("{verify} {id} {time} {signature} --now 2026-05-04T03:54:59Z --json {BODY}"),
            &format!(
                "{verify} {id} {time} {signature} --now 2026-05-04T04:00:00Z standard/run-queued-minimal.json"
            ),
            &format!("{verify} {id} {time} --header 'webhook-signature:' {BODY}"),
            &format!("{verify} {id} {id} {time} {signature} {BODY}"),
            &format!("{verify} {BODY}"),
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn the_published_example_of_github_is_genuine() {
    let secrets = Secrets::new();
    let file = secrets.write("docs", "It's a Secret to Everybody");
    let header =
        "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let mut verify = meshhook();
    verify.args(["verify", "--scheme", "github", "--header", header, "--secret-file"]).arg(&file).arg("-");
    verify.write_stdin("Hello, World!").assert().success();
    verify.write_stdin("Hello, World?").assert().code(1);
}

#[test]
fn every_secret_file_is_tried() {
    let secrets = Secrets::new();
    secrets.write("old", "an-older-secret-of-the-same-sender");
    let mut sign = meshhook();
    let signed =
        sign.args(["sign", "--scheme", "github", "--secret-file"]).arg(secrets.path("github")).arg(BODY);
    let header = String::from_utf8(signed.output().unwrap().stdout).unwrap();
    let both = format!(
        "verify --scheme github --secret-file @old --secret-file @github --header '{}' {BODY}",
        header.trim()
    );
    assert!(secrets.said(&both).contains("genuine: key DIR/github\n=> 0"));
    let old = format!("verify --scheme github --secret-file @old --header '{}' {BODY}", header.trim());
    assert!(secrets.said(&old).ends_with("=> 1\n"));
}

#[test]
fn the_environment_holds_a_secret_or_names_its_file() {
    let secrets = Secrets::new();
    let sign = || {
        let mut sign = meshhook();
        sign.args(["sign", "--scheme", "github", BODY]);
        sign
    };
    let by_value = said(sign().env("MESHHOOK_SECRET", GITHUB));
    let by_file = said(sign().env("MESHHOOK_SECRET_FILE", secrets.path("github")));
    let by_flag =
        said(sign().env("MESHHOOK_SECRET", STANDARD).arg("--secret-file").arg(secrets.path("github")));
    assert!(by_value.starts_with("X-Hub-Signature-256: sha256="), "{by_value}");
    assert_eq!((&by_value, &by_value), (&by_file, &by_flag));
}

#[test]
fn a_secret_that_cannot_be_one_is_a_fault_of_configuration() {
    let secrets = Secrets::new();
    secrets.write("empty", "\n");
    secrets.write("short", "whsec_c2hvcnQ=");
    secrets.write("words", "no-base64");
    secrets.write("long", &"x".repeat(4097));
    let told = all_said(
        &secrets,
        &[
            "sign --scheme github --secret-file @none -",
            "sign --scheme github --secret-file @empty -",
            "sign --scheme github --secret-file @long -",
            "sign --scheme standard-webhooks --secret-file @short -",
            "sign --scheme standard-webhooks --secret-file @words -",
            "sign --scheme github -",
        ],
    );
    insta::assert_snapshot!(told);
}

#[test]
fn a_body_that_cannot_be_read_is_wrong_usage() {
    let told = Secrets::new().said("sign --scheme github --secret-file @github no-such-file");
    assert!(told.ends_with("=> 2\n"), "{told}");
    assert!(fixtures().join(BODY).exists());
}
