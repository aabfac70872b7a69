//! Help and wrong usage.

use crate::words::{Secrets, all_said};

#[test]
fn help_tells_the_exit_codes() {
    insta::assert_snapshot!(Secrets::new().said("--help"));
}

#[test]
fn each_command_has_help() {
    let lines = [
        "post",
        "sign",
        "verify",
        "normalize",
        "render",
        "deliveries",
        "deliveries list",
        "deliveries retry",
        "deliveries audit",
        "config",
        "config new",
        "config show",
        "config explain",
        "sources",
        "login",
        "registration",
        "registration new",
        "registration check",
    ];
    let lines = lines.map(|command| format!("{command} -h"));
    let told = all_said(&Secrets::new(), &lines.each_ref().map(String::as_str));
    insta::assert_snapshot!(told);
}

#[test]
fn wrong_usage_says_what_is_right() {
    let post = "post --url http://127.0.0.1:1/h --secret-file @github --provider github";
    let told = all_said(
        &Secrets::new(),
        &[
            "",
            "sgin",
            "sign --scheme md5 --secret-file @github -",
            "verify --scheme github --secret-file @github --now yesterday -",
            "verify --scheme github --secret-file @github --header nonsense -",
            "normalize --provider hudson -",
            "post --provider github --url ftp://h --secret-file @github",
            "post --provider github --url https://u:p@h --secret-file @github",
            &format!("{post} --state green"),
            &format!("{post} --node mac-01"),
            &format!("{post} --lifecycle --state running"),
            &format!("{post} --lifecycle --file -"),
            &format!("{post} --file - --branch main"),
            &format!("{post} --repo app"),
            &format!("{post} --timeout 5"),
            "post --url http://127.0.0.1:1/h --secret-file @standard --provider standard --event workflow_run",
            "deliveries show ../livez",
            "deliveries list --limit 0",
            "deliveries list --limit 501",
            "deliveries list --before yesterday",
            "deliveries list --admin-url http://gateway.example.org:8788",
        ],
    );
    insta::assert_snapshot!(told);
}
