//! CloudEvents 1.0, the envelope.
//!
//! In binary mode, which most send, the attributes are headers (`ce-type`) and the body is the data alone; in
//! structured mode the body is an object with the attributes, and the data in `data`.

use crate::tree::Node;

/// The data of an event in either mode, known by a key that it has.
pub(crate) fn data<'b>(body: Node<'b>, key: fn(Node<'_>) -> bool) -> Node<'b> {
    let data = body.get("data");
    if body.has("specversion") && key(data) { data } else { body }
}
