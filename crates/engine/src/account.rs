//! As whom an engine sends.

/// As whom an engine sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Account {
    /// As the user whose access token it has.
    #[default]
    Bot,
    /// As an application service: as its own user, and as those of machines.
    Service,
}

/// The device of each user that an application service speaks as: a homeserver remembers transaction ids for it.
pub(crate) const DEVICE: &str = "MESHHOOK";
pub(crate) const DEVICE_NAME: &str = "meshhook gateway";
