//! A homeserver that shows who it is.

use meshhook_testkit::{
    Certificate, Certificates, ConnectProxy, Gateway, GatewayBuilder, TlsFront, eventually,
};
use serde_json::Value;

use crate::rig::{Room, SOON, accepted, build, builder, post_build};

/// A room of a real Synapse behind TLS.
struct Rig {
    room: Room,
    certificates: Certificates,
    front: TlsFront,
}

impl Rig {
    fn new(bot: &str) -> Self {
        let (room, certificates) = (Room::new(bot), Certificates::make());
        let front = TlsFront::before(&room.synapse.url(), &certificates, Certificate::Server);
        Self { room, certificates, front }
    }

    fn gateway(&self, pins: &[String]) -> GatewayBuilder {
        builder(&self.front.url(), &self.room.id, &self.room.bot.token)
            .file("ca.pem", self.certificates.ca())
            .line("matrix", "ca_file = \"ca.pem\"")
            .line("matrix", &format!("tls_fingerprints = {pins:?}"))
    }

    fn pin(&self, which: Certificate) -> String {
        format!("cert-sha256:{}", self.certificates.fingerprint(which))
    }

    fn key_pin(&self, which: Certificate) -> String {
        format!("spki-sha256:{}", self.certificates.key_fingerprint(which))
    }

    fn present(&self, which: Certificate) {
        self.front.present(&self.certificates, which);
    }
}

fn ready(gateway: &Gateway) -> Value {
    gateway.admin_get("/readyz").ok()
}

#[test]
fn a_certificate_is_renewed_and_one_that_nobody_pinned_holds_the_room() {
    let rig = Rig::new("pinned");
    let pins = [rig.pin(Certificate::Server), rig.key_pin(Certificate::Renewed)];
    let gateway = rig.gateway(&pins).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    rig.room.wait_for(1);
    rig.present(Certificate::Renewed);
    accepted(&post_build(&gateway, &build("2", "failed")));
    rig.room.wait_for(2);

    rig.present(Certificate::RenewedWithItsKey);
    let joined = rig.front.joined();
    accepted(&post_build(&gateway, &build("3", "failed")));
    let hold = eventually(SOON, || ready(&gateway)["rooms"][0]["hold"].as_str().map(str::to_owned));
    assert!(
        hold.contains("good chain and name, but it is none of those pinned; it is cert-sha256:"),
        "{hold}"
    );
    assert!(hold.ends_with(&rig.key_pin(Certificate::RenewedWithItsKey)), "{hold}");
    assert_eq!((rig.front.joined(), rig.room.said().len()), (joined, 2), "nothing is sent");
    assert!(gateway.log().contains("none of those pinned"));

    rig.present(Certificate::Server);
    rig.room.wait_for(3);
    eventually(SOON, || ready(&gateway)["rooms"][0]["hold"].is_null().then_some(()));
    assert_eq!(rig.room.said().len(), 3);
}

#[test]
fn a_homeserver_that_is_not_believed_at_the_start_stops_all() {
    let rig = Rig::new("unbelieved");
    let gateway = rig.gateway(&[rig.pin(Certificate::Renewed)]).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    let mut why = Vec::new();
    for (which, part) in [
        (Certificate::Server, "none of those pinned"),
        (Certificate::Strangers, "unknown issuer"),
        (Certificate::OtherName, "not for localhost, but for other.example"),
        (Certificate::Expired, "ended at 20"),
    ] {
        rig.present(which);
        why.push(eventually(SOON * 3, || {
            let stopped = ready(&gateway)["sending"]["stopped"].as_str()?.to_owned();
            stopped.contains(part).then_some(stopped)
        }));
    }
    assert!(why.iter().all(|why| why.starts_with("the homeserver's server is not believed: ")), "{why:?}");
    assert_eq!(rig.front.joined(), 0);
    rig.present(Certificate::Renewed);
    eventually(SOON * 3, || (rig.room.said().len() == 1).then_some(()));
}

#[test]
fn a_proxy_that_is_configured_is_used_and_no_other() {
    let rig = Rig::new("proxied");
    let proxy = ConnectProxy::start();
    let gateway = rig.gateway(&[rig.pin(Certificate::Server)]);
    // The environment of every gateway here names a proxy where nothing listens.
    let gateway = gateway.line("matrix", &format!("proxy = {:?}", proxy.url())).start().unwrap();
    accepted(&post_build(&gateway, &build("1", "failed")));
    rig.room.wait_for(1);
    let target = rig.front.url().replace("https://", "CONNECT ");
    assert!(!proxy.heads().is_empty() && proxy.heads().iter().all(|head| head.starts_with(&target)));
}
