//! What is lost on the way.

use meshhook_testkit::http::{self, Answer};
use meshhook_testkit::{Homeserver, Loss, Proxy};
use serde_json::Value;

fn put(proxy: &Proxy, token: &str, txn: &str) -> std::io::Result<Answer> {
    let path = format!(
        "/_matrix/client/v3/rooms/{}/send/m.room.message/{txn}",
        Homeserver::ROOM.replace('!', "%21")
    );
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    http::send("PUT", &(proxy.url() + &path), &headers, br#"{"msgtype":"m.notice","body":"one"}"#)
}

#[test]
fn a_request_or_its_answer_is_lost_and_nothing_else() {
    let homeserver = Homeserver::start();
    let token = homeserver.user().token;
    let proxy = Proxy::before(&homeserver.url());
    let there = || homeserver.events(Homeserver::ROOM).len();
    assert_eq!(put(&proxy, &token, "t1").unwrap().status, 200);
    proxy.lose(Loss::Request);
    put(&proxy, &token, "t2").unwrap_err();
    assert_eq!((proxy.lost(), there()), (1, 1));
    proxy.lose(Loss::Answer);
    put(&proxy, &token, "t2").unwrap_err();
    assert_eq!((proxy.lost(), there()), (2, 2));
    let versions: Value = http::get(&(proxy.url() + "/_matrix/client/versions"), &[]).unwrap().ok();
    assert!(versions["versions"].is_array());
    proxy.lose(Loss::Nothing);
    assert_eq!(put(&proxy, &token, "t2").unwrap().status, 200);
    assert_eq!((proxy.lost(), there()), (2, 2));
    drop(homeserver);
    put(&proxy, &token, "t2").unwrap_err();
}
