//! A queue that takes no more than it holds.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Many put in and one takes out, as many at once as there are, under one lock.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    most: usize,
    inside: Mutex<Inside<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct Inside<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
    /// Whether the one that takes out sleeps: a wake is a system call, also where there is nobody to be woken.
    is_awaited: bool,
}

/// What was not taken in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTaken<T> {
    Full(T),
    Closed(T),
}

impl<T> Queue<T> {
    /// Holds `most` at most.
    pub(crate) fn new(most: usize) -> Self {
        let inside = Inside { waiting: VecDeque::new(), is_closed: false, is_awaited: false };
        Self { most, inside: Mutex::new(inside), filled: Condvar::new() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside<T>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one in; one that is not taken comes back.
    pub(crate) fn put(&self, one: T) -> Result<(), NotTaken<T>> {
        let mut inside = self.inside();
        if inside.is_closed {
            return Err(NotTaken::Closed(one));
        }
        if inside.waiting.len() >= self.most {
            return Err(NotTaken::Full(one));
        }
        inside.waiting.push_back(one);
        let is_awaited = mem::take(&mut inside.is_awaited);
        drop(inside);
        if is_awaited {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits until there is something, and takes at most so many of it, the first first; none once it is closed and
    /// empty.
    pub(crate) fn take(&self, at_most: usize) -> Vec<T> {
        let mut inside = self.inside();
        while inside.waiting.is_empty() && !inside.is_closed {
            inside.is_awaited = true;
            inside = self.filled.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        let count = inside.waiting.len().min(at_most);
        inside.waiting.drain(..count).collect()
    }

    /// Takes nothing in from now on; what it holds can still be taken out.
    pub(crate) fn close(&self) {
        self.inside().is_closed = true;
        self.filled.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_it_holds_comes_out_in_order_and_what_it_does_not_comes_back() {
        let queue = Queue::new(3);
        assert!([1, 2, 3].into_iter().all(|n| queue.put(n).is_ok()));
        assert_eq!(queue.put(4), Err(NotTaken::Full(4)));
        assert_eq!(queue.take(2), [1, 2]);
        assert_eq!(queue.put(5), Ok(()));
        queue.close();
        assert_eq!(queue.put(6), Err(NotTaken::Closed(6)));
        assert_eq!((queue.take(9), queue.take(9)), (vec![3, 5], vec![]));
    }

    #[test]
    fn who_waits_is_woken_by_what_comes_and_by_the_end() {
        let queue = Queue::new(1);
        thread::scope(|scope| {
            let taking = scope.spawn(|| [queue.take(9), queue.take(9)]);
            thread::sleep(Duration::from_millis(10));
            queue.put(1).unwrap();
            thread::sleep(Duration::from_millis(10));
            queue.close();
            assert_eq!(taking.join().unwrap(), [vec![1], vec![]]);
        });
    }
}
