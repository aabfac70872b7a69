//! Who is connected, and who has to go where there are too many.
//!
//! Connections cost a stranger nothing, so there is an end to them; but who comes last is not the one to turn away.
//! Where it gets full, the one goes that has proved nothing for longest: a genuine request takes milliseconds from
//! connecting until it is verified, and from then until its answer nobody sends its connection away.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The connections of a door.
#[derive(Debug)]
pub(crate) struct Crowd {
    most: usize,
    most_of_one: usize,
    inside: Mutex<Inside>,
    /// Someone has left.
    left: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    /// All that hold a connection still.
    all: usize,
    /// Those of them who were not told to go.
    staying: usize,
    /// The turn of whoever comes next.
    turn: u64,
    /// Who may be told to go: those who have proved nothing since they came, or since their last proof.
    unproved: BTreeMap<u64, Unproved>,
    /// How many of a network stay. An entry is there only while there are some.
    by_network: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Unproved {
    network: Option<IpAddr>,
    go: Arc<Notify>,
}

/// A connection's place, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    peer: SocketAddr,
    network: Option<IpAddr>,
    crowd: Arc<Crowd>,
    go: Arc<Notify>,
    /// None while a request of its is proved.
    turn: Mutex<Option<u64>>,
}

impl Crowd {
    /// Room for `most` at once, and for `most_of_one` network's; both are at least one.
    pub(crate) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        let (most, most_of_one) = (most.max(1), most_of_one.max(1));
        Arc::new(Self { most, most_of_one, inside: Mutex::default(), left: Notify::new() })
    }

    /// Lets a connection in as soon as there is room, which is at once where anybody can be told to go. `network` is
    /// whose share it takes; none where many clients share it, as behind a proxy.
    pub(crate) async fn enter(self: &Arc<Self>, peer: SocketAddr, network: Option<IpAddr>) -> Guest {
        loop {
            let left = self.left.notified();
            if let Some(guest) = self.try_to_enter(peer, network) {
                return guest;
            }
            left.await;
        }
    }

    fn try_to_enter(self: &Arc<Self>, peer: SocketAddr, network: Option<IpAddr>) -> Option<Guest> {
        let mut inside = lock(&self.inside);
        if network.is_some_and(|network| inside.of(network) >= self.most_of_one) {
            inside.send_away(|unproved| unproved.network == network);
        }
        if inside.staying >= self.most {
            inside.send_away(|_| true);
        }
        if inside.all >= self.most {
            return None;
        }
        let go = Arc::new(Notify::new());
        let turn = inside.enter(network, &go);
        Some(Guest { peer, network, crowd: Arc::clone(self), go, turn: Mutex::new(Some(turn)) })
    }
}

impl Inside {
    fn of(&self, network: IpAddr) -> usize {
        self.by_network.get(&network).copied().unwrap_or_default()
    }

    fn enter(&mut self, network: Option<IpAddr>, go: &Arc<Notify>) -> u64 {
        self.all += 1;
        self.staying += 1;
        if let Some(network) = network {
            *self.by_network.entry(network).or_default() += 1;
        }
        self.wait(Unproved { network, go: Arc::clone(go) })
    }

    /// Puts someone behind all others.
    fn wait(&mut self, unproved: Unproved) -> u64 {
        self.turn += 1;
        self.unproved.insert(self.turn, unproved);
        self.turn
    }

    /// Tells the one to go that waits for longest among those who fit.
    fn send_away(&mut self, fits: impl Fn(&Unproved) -> bool) {
        let longest = self.unproved.iter().find(|(_, unproved)| fits(unproved)).map(|(turn, _)| *turn);
        if let Some(Unproved { network, go }) = longest.and_then(|turn| self.unproved.remove(&turn)) {
            self.no_longer_stays(network);
            go.notify_one();
        }
    }

    fn no_longer_stays(&mut self, network: Option<IpAddr>) {
        self.staying -= 1;
        let Some(network) = network else { return };
        let count = self.of(network).saturating_sub(1);
        if count == 0 {
            self.by_network.remove(&network);
        } else {
            self.by_network.insert(network, count);
        }
    }
}

impl Guest {
    /// Who connected.
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Its request is genuine: nobody sends it away before the answer.
    pub(crate) fn proved(&self) {
        let mut turn = lock(&self.turn);
        // Who was told to go already goes.
        if turn.is_some_and(|turn| lock(&self.crowd.inside).unproved.remove(&turn).is_some()) {
            *turn = None;
        }
    }

    /// Whether its request is.
    pub(crate) fn is_proved(&self) -> bool {
        lock(&self.turn).is_none()
    }

    /// Its request is answered. Where that was proved, its time begins anew.
    pub(crate) fn answered(&self) {
        let mut turn = lock(&self.turn);
        if turn.is_none() {
            let unproved = Unproved { network: self.network, go: Arc::clone(&self.go) };
            *turn = Some(lock(&self.crowd.inside).wait(unproved));
        }
    }

    /// Until it has to go.
    pub(crate) async fn told_to_go(&self) {
        self.go.notified().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let turn = *lock(&self.turn);
        let mut inside = lock(&self.crowd.inside);
        if turn.is_none_or(|turn| inside.unproved.remove(&turn).is_some()) {
            inside.no_longer_stays(self.network);
        }
        inside.all -= 1;
        drop(inside);
        self.crowd.left.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(crowd: &Arc<Crowd>, address: &str) -> Option<Guest> {
        let address: IpAddr = address.parse().unwrap();
        crowd.try_to_enter((address, 1).into(), Some(address))
    }

    fn is_told(guest: &Guest) -> bool {
        let told = std::pin::pin!(guest.told_to_go());
        told.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn who_proved_nothing_for_longest_goes_first() {
        let crowd = Crowd::new(3, 3);
        let [first, second, third] =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|a| enter(&crowd, a).unwrap());
        first.proved();
        first.answered();
        assert!(enter(&crowd, "192.0.2.4").is_none(), "only once somebody has gone");
        assert!(enter(&crowd, "192.0.2.4").is_none());
        assert!(is_told(&second) && !is_told(&third) && !is_told(&first), "one goes for one who comes");
        drop(second);
        let _fourth = enter(&crowd, "192.0.2.4").unwrap();
        assert!(enter(&crowd, "192.0.2.5").is_none());
        assert!(is_told(&third) && !is_told(&first));
    }

    #[test]
    fn whose_request_is_proved_stays_until_its_answer() {
        let crowd = Crowd::new(1, 1);
        let guest = enter(&crowd, "192.0.2.1").unwrap();
        guest.proved();
        assert!(guest.is_proved() && enter(&crowd, "192.0.2.2").is_none() && !is_told(&guest));
        guest.answered();
        assert!(!guest.is_proved() && enter(&crowd, "192.0.2.2").is_none() && is_told(&guest));
        guest.proved();
        assert!(!guest.is_proved(), "who was told to go goes");
        drop(guest);
        assert!(enter(&crowd, "192.0.2.2").is_some());
    }

    #[test]
    fn a_network_that_has_its_share_makes_room_itself() {
        let crowd = Crowd::new(10, 2);
        let other = enter(&crowd, "192.0.2.9").unwrap();
        let mut greedy: Vec<_> = (0..7).filter_map(|_| enter(&crowd, "192.0.2.1")).collect();
        let told: Vec<_> = greedy.iter().map(is_told).collect();
        assert_eq!(told, [true, true, true, true, true, false, false]);
        assert!(!is_told(&other));
        // The proved ones are nobody's fault, and nobody of theirs has to go for one more.
        greedy.drain(..5);
        greedy.iter().for_each(Guest::proved);
        assert!(enter(&crowd, "192.0.2.1").is_some() && !greedy.iter().any(is_told));
    }

    #[test]
    fn nothing_is_remembered_of_who_has_gone() {
        let crowd = Crowd::new(2, 1);
        for _ in 0..5 {
            let guests = [enter(&crowd, "192.0.2.1"), enter(&crowd, "192.0.2.1"), enter(&crowd, "192.0.2.2")];
            guests[0].as_ref().unwrap().proved();
            drop(guests);
        }
        let inside = lock(&crowd.inside);
        assert_eq!((inside.all, inside.staying), (0, 0));
        assert!(inside.unproved.is_empty() && inside.by_network.is_empty());
    }
}
