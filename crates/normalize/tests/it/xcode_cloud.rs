//! What is Xcode Cloud's own: a secret in the address, and that address in the body.

use meshhook_normalize::Provider;
use serde_json::json;

use crate::support::{event, json_of};

fn xcode_cloud() -> &'static Provider {
    Provider::by_name("xcode-cloud").unwrap()
}

#[test]
fn the_address_is_all_that_it_can_prove() {
    assert_eq!(xcode_cloud().schemes().first(), Some(&"path-token"));
    assert_eq!(xcode_cloud().default_scheme(), None);
}

/// The body names its webhook's address, the token in it: no part of that may come out again.
#[test]
fn the_token_of_the_address_is_not_read() {
    let mut body = json_of("xcode-cloud/build_completed-failed.json");
    body["webhook"]["url"] = json!("https://ci.example.org/hooks/matrix/build-status/xcode/SECRET-TOKEN");
    assert!(!format!("{:?}", event(xcode_cloud(), &body)).contains("SECRET-TOKEN"));
}

/// Two products count their builds apart.
#[test]
fn a_number_without_an_id_is_its_products() {
    let mut body = json_of("xcode-cloud/build_completed-failed.json");
    body["ciBuildRun"]["id"] = json!(null);
    let ours = event(xcode_cloud(), &body).identity;
    body["ciProduct"]["id"] = json!("another");
    assert_ne!(event(xcode_cloud(), &body).identity, ours);
}
