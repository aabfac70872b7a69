//! An application service's token, as its registration has it.

use meshhook_testkit::{Gateway, Homeserver, Service, eventually};

use crate::rig::{BUILDS, SOON, accepted, build, post_build};

#[test]
fn the_token_of_a_registration_is_read_again_while_the_gateway_runs() {
    let homeserver = Homeserver::start();
    let service = Service::new("buildbot", Homeserver::SERVER_NAME);
    homeserver.set_service(&service);
    let builder = Gateway::builder_of_service(&homeserver.url(), Homeserver::ROOM, &service);
    let mut gateway = builder.source("builds", "standard", BUILDS).start().unwrap();
    let said = |count: usize| {
        let said = || homeserver.events(Homeserver::ROOM).into_iter();
        eventually(SOON, || {
            (said().filter(|event| event.kind() == "m.room.message").count() == count).then_some(())
        });
    };
    accepted(&post_build(&gateway, &build("1", "failed")));
    said(1);
    let next = "as-another-one-0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let service = service.with("as_token", next);
    homeserver.set_service(&service);
    accepted(&post_build(&gateway, &build("2", "failed")));
    gateway.write_service(&service);
    said(2);
    assert!(!gateway.log().contains(next));
}
