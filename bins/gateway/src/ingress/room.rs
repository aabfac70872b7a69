//! Room in memory for bodies, shared so that no client can take all of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limiter::network;

/// The bytes of all bodies that may be in memory together.
const IN_FLIGHT: usize = 64 << 20;

/// And of those of one client that nobody has verified yet.
const OF_ONE: usize = IN_FLIGHT / 4;

/// And of those of all clients together whose address is not known.
const OF_UNKNOWN: usize = IN_FLIGHT / 4 * 3;

/// Room for bodies. Given out by what has come, not by what is announced: an announcement costs nothing.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    unproved: Arc<Unproved>,
}

/// What each client holds. An entry is there only while there are bytes in it.
type Unproved = Mutex<HashMap<Option<IpAddr>, usize>>;

impl Room {
    pub(crate) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(IN_FLIGHT)), unproved: Arc::default() }
    }

    /// A place for a body of that client, with nothing in it yet.
    pub(crate) fn place(&self, client: Option<IpAddr>) -> Place {
        let share = Share { unproved: Arc::clone(&self.unproved), client: client.map(network), bytes: 0 };
        Place { all: Arc::clone(&self.all), taken: None, share }
    }
}

/// The room that one body takes until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
    share: Share,
}

impl Place {
    /// Takes so many bytes more; nothing if there is no room for them.
    pub(crate) fn take(&mut self, bytes: usize) -> Option<()> {
        self.share.take(bytes)?;
        let more = Arc::clone(&self.all).try_acquire_many_owned(u32::try_from(bytes).ok()?).ok()?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Some(())
    }

    /// The same room, and no more at its client's expense: the body is verified.
    pub(crate) fn proved(self) -> Option<OwnedSemaphorePermit> {
        self.taken
    }
}

/// What a body takes of its client's part.
#[derive(Debug)]
struct Share {
    unproved: Arc<Unproved>,
    client: Option<IpAddr>,
    bytes: usize,
}

impl Share {
    fn take(&mut self, bytes: usize) -> Option<()> {
        let most = if self.client.is_some() { OF_ONE } else { OF_UNKNOWN };
        let mut unproved = lock(&self.unproved);
        let held = unproved.get(&self.client).copied().unwrap_or_default();
        let held = held.checked_add(bytes).filter(|held| (1..=most).contains(held))?;
        unproved.insert(self.client, held);
        self.bytes += bytes;
        Some(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut unproved = lock(&self.unproved);
        if let Some(held) = unproved.get_mut(&self.client) {
            *held = held.saturating_sub(self.bytes);
            if *held == 0 {
                unproved.remove(&self.client);
            }
        }
    }
}

fn lock(unproved: &Unproved) -> MutexGuard<'_, HashMap<Option<IpAddr>, usize>> {
    unproved.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(room: &Room, client: &str) -> Place {
        room.place(client.parse().ok())
    }

    #[test]
    fn a_client_has_a_quarter_and_its_network_is_one_client() {
        let room = Room::new();
        let mut held = place(&room, "2001:db8::1");
        assert!(held.take(OF_ONE).is_some());
        assert!(place(&room, "2001:db8::2").take(1).is_none());
        assert!(place(&room, "2001:db8:0:1::").take(1).is_some());
        drop(held);
        assert!(place(&room, "2001:db8::2").take(OF_ONE).is_some());
    }

    #[test]
    fn clients_without_an_address_leave_a_quarter_to_those_with_one() {
        let room = Room::new();
        let mut held = place(&room, "unknown");
        assert!(held.take(OF_UNKNOWN).is_some());
        assert!(place(&room, "unknown").take(1).is_none());
        assert!(place(&room, "192.0.2.1").take(OF_ONE).is_some());
    }

    #[test]
    fn together_they_have_all_of_it() {
        let room = Room::new();
        let mut held: Vec<_> = (1..=4).map(|n| place(&room, &format!("192.0.2.{n}"))).collect();
        assert!(held.iter_mut().all(|place| place.take(OF_ONE).is_some()));
        assert!(place(&room, "192.0.2.5").take(1).is_none());
    }

    #[test]
    fn what_is_proved_is_nobodys_share_and_still_takes_room() {
        let room = Room::new();
        let mut held = Vec::new();
        for _ in 0..4 {
            let mut place = place(&room, "192.0.2.1");
            assert!(place.take(OF_ONE).is_some());
            held.push(place.proved());
        }
        assert!(place(&room, "192.0.2.1").take(1).is_none());
        held.clear();
        assert!(place(&room, "192.0.2.1").take(1).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_who_holds_nothing() {
        let room = Room::new();
        let mut held = place(&room, "192.0.2.1");
        assert!(held.take(5).is_some() && held.take(OF_ONE).is_none());
        assert!(place(&room, "192.0.2.2").take(OF_ONE + 1).is_none());
        assert_eq!(lock(&room.unproved).len(), 1);
        drop(held);
        assert!(lock(&room.unproved).is_empty());
    }
}
