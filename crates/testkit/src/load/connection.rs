//! A connection that is kept, and what is under way on it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::answer::{self, Answer};
use super::deliveries::Request;

/// No answer is longer.
const MAX_ANSWER: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) request: Request,
    /// When what is under way was to start, since the load's start.
    pub(super) intended: Duration,
    sent: usize,
    answer: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr, request: Request) -> io::Result<Self> {
        let stream = connect(address)?;
        let sent = request.bytes.len();
        Ok(Self { stream, request, intended: Duration::ZERO, sent, answer: Vec::new() })
    }

    /// Begins to send the request as it is now.
    pub(super) fn begin(&mut self, intended: Duration) {
        (self.intended, self.sent) = (intended, 0);
        self.answer.clear();
    }

    /// Whether it waits to write, and not for the answer.
    pub(super) fn is_sending(&self) -> bool {
        self.sent < self.request.bytes.len()
    }

    /// Goes on as far as it can without waiting; the answer, once it is whole.
    pub(super) fn go_on(&mut self) -> io::Result<Option<Answer>> {
        while self.is_sending() {
            match self.stream.write(&self.request.bytes[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.sent += written,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        self.hear()
    }

    fn hear(&mut self) -> io::Result<Option<Answer>> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.answer.extend_from_slice(&buffer[..read]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) => return Err(e),
            }
            if let Some(answer) = answer::read(&self.answer)? {
                return Ok(Some(answer));
            }
            if self.answer.len() > MAX_ANSWER {
                return Err(io::Error::other("an answer without end"));
            }
        }
    }

    /// A new connection in the place of one that is no good any more.
    pub(super) fn reopen(&mut self, address: SocketAddr) -> io::Result<()> {
        self.stream = connect(address)?;
        self.sent = self.request.bytes.len();
        Ok(())
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}
