//! The load itself: one thread that waits for all connections at once.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::connection::Connection;
use super::deliveries::{Deliveries, Target};
use super::figures::Figures;
use super::schedule::{Next, Pace, Schedule};

/// So long what is under way at the end may take.
const GRACE: Duration = Duration::from_secs(10);

/// What is asked of a server.
#[derive(Debug, Clone, Copy)]
pub struct Load<'l> {
    /// Where.
    pub target: &'l Target,
    /// What; when all are sent it ends early.
    pub deliveries: &'l Deliveries,
    /// How many connections, which are kept.
    pub connections: usize,
    /// When the next one.
    pub pace: Pace,
    /// How long before anything is measured.
    pub warm_up: Duration,
    /// And how long then.
    pub span: Duration,
}

impl Load<'_> {
    /// Sends until the time is over, and waits for every answer.
    ///
    /// # Errors
    /// When there is no connection to be had at the start, or the system cannot wait. A request that fails is a figure.
    pub fn run(&self) -> io::Result<Figures> {
        let request = self.deliveries.request(self.target);
        let open = |_| Connection::open(self.target.address, request.clone());
        let connections = (0..self.connections).map(open).collect::<io::Result<Vec<_>>>()?;
        let end = self.warm_up + self.span;
        let mut driver = Driver {
            load: self,
            free: (0..connections.len()).collect(),
            busy: Vec::new(),
            connections,
            schedule: Schedule::new(self.pace, end, self.deliveries.count() as u64),
            figures: Figures::new(self.warm_up),
            start: Instant::now(),
        };
        driver.run(end + GRACE)?;
        Ok(driver.figures)
    }
}

struct Driver<'l> {
    load: &'l Load<'l>,
    connections: Vec<Connection>,
    /// Connections that nothing is under way on, by number.
    free: Vec<usize>,
    /// And the others.
    busy: Vec<usize>,
    schedule: Schedule,
    figures: Figures,
    start: Instant,
}

impl Driver<'_> {
    fn run(&mut self, limit: Duration) -> io::Result<()> {
        loop {
            let next = self.start_what_is_due()?;
            let now = self.start.elapsed();
            let goes_on = next.is_some() && !self.free.is_empty();
            if (self.busy.is_empty() && !goes_on) || now >= limit {
                break;
            }
            // Without a free connection the plan has to wait for an answer.
            let until = next.filter(|_| !self.free.is_empty()).unwrap_or(limit).min(limit);
            for number in self.ready(until.saturating_sub(now))? {
                self.go_on(number)?;
            }
        }
        self.figures.unanswered += self.busy.len() as u64;
        self.figures.missed = self.schedule.missed();
        Ok(())
    }

    /// Starts what is due on free connections; when the next one is, if there is to be one.
    fn start_what_is_due(&mut self) -> io::Result<Option<Duration>> {
        while let Some(number) = self.free.pop() {
            let (delivery, now) = (self.schedule.started(), self.start.elapsed());
            match self.schedule.next(now) {
                Next::Start(intended) => self.begin(number, delivery, intended)?,
                Next::Wait(until) => {
                    self.free.push(number);
                    return Ok(Some(until));
                }
                Next::Over => {
                    self.free.push(number);
                    return Ok(None);
                }
            }
        }
        Ok(Some(Duration::ZERO))
    }

    fn begin(&mut self, number: usize, delivery: u64, intended: Duration) -> io::Result<()> {
        let connection = &mut self.connections[number];
        let delivery = usize::try_from(delivery).map_err(io::Error::other)?;
        connection.request.become_delivery(self.load.deliveries, delivery);
        connection.begin(intended);
        self.busy.push(number);
        self.go_on(number)
    }

    fn go_on(&mut self, number: usize) -> io::Result<()> {
        let connection = &mut self.connections[number];
        let is_lost = match connection.go_on() {
            Ok(None) => return Ok(()),
            Ok(Some(answer)) => {
                self.figures.answer(answer.status, connection.intended, self.start.elapsed());
                answer.closes
            }
            Err(_) => {
                self.figures.unanswered += 1;
                true
            }
        };
        self.busy.retain(|busy| *busy != number);
        // Where nobody listens any more, what is left of the plan is missed.
        if !is_lost || connection.reopen(self.load.target.address).is_ok() {
            self.free.push(number);
        }
        Ok(())
    }

    /// The busy connections that something can be done on, once there is one or the time is over.
    fn ready(&self, within: Duration) -> io::Result<Vec<usize>> {
        let wants = |connection: &Connection| match connection.is_sending() {
            true => PollFlags::OUT,
            false => PollFlags::IN,
        };
        let busy = self.busy.iter().map(|number| &self.connections[*number]);
        let mut polled: Vec<_> = busy.map(|c| PollFd::new(&c.stream, wants(c))).collect();
        let within = Timespec::try_from(within).map_err(io::Error::other)?;
        match poll(&mut polled, Some(&within)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        let ready = self.busy.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        Ok(ready.map(|(number, _)| *number).collect())
    }
}
