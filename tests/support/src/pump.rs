//! The connections through a proxy: for each, a thread that carries requests, one that receives replies and one that delivers them.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::faults::{Answer, Faults};
use crate::proxy::Seen;
use crate::resp::{command_name, frame_length, request_length};

/// What the threads of a proxy share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Any change that a thread or a test may wait for.
    changed: Condvar,
}

pub(crate) struct State {
    pub(crate) target: SocketAddr,
    pub(crate) faults: Faults,
    pub(crate) seen: Seen,
    pub(crate) commands: HashMap<String, u64>,
    pub(crate) links: HashMap<u64, Link>,
    /// Whether connections are wanted, and whether the port is open.
    pub(crate) accepting: bool,
    pub(crate) listening: bool,
    pub(crate) closed: bool,
}

/// A connection. It is over when it is no longer among the proxy's.
pub(crate) struct Link {
    client: TcpStream,
    server: TcpStream,
    /// The commands that the server owes replies to.
    asked: VecDeque<String>,
    pub(crate) held_requests: usize,
    pub(crate) held_replies: usize,
}

impl Link {
    pub(crate) fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl Shared {
    pub(crate) fn new(target: SocketAddr) -> Self {
        let state = State {
            target,
            faults: Faults::default(),
            seen: Seen::default(),
            commands: HashMap::new(),
            links: HashMap::new(),
            accepting: true,
            listening: true,
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes the state and tells everybody.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for a change, or until `deadline`.
    pub(crate) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let forever = Duration::from_secs(3600);
        let time = deadline.map_or(forever, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        self.changed
            .wait_timeout(state, time)
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .0
    }

    /// Ends a connection that isn't over yet.
    fn end(&self, id: u64) {
        if let Some(link) = self.change(|state| state.links.remove(&id)) {
            link.cut();
        }
    }
}

/// A reply on its way.
struct Arrival {
    answer: Answer,
    at: Instant,
}

/// Connects `client` with the target and starts the threads.
pub(crate) fn connect(shared: &Arc<Shared>, client: TcpStream) -> io::Result<()> {
    let target = shared.lock().target;
    let server = TcpStream::connect_timeout(&target, Duration::from_secs(5))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let id = shared.lock().seen.connections;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let link = Link {
        client,
        server,
        asked: VecDeque::new(),
        held_requests: 0,
        held_replies: 0,
    };
    shared.change(|state| state.links.insert(id, link));

    let (sender, receiver) = channel();
    let [requests, arrivals, replies] = [(); 3].map(|()| Arc::clone(shared));
    std::thread::spawn(move || {
        // The client may have gone: what it has sent is the server's all the same, and the server closes afterwards.
        match carry_requests(&requests, id, from_client, &to_server) {
            Ok(()) => drop(to_server.shutdown(Shutdown::Write)),
            Err(_) => requests.end(id),
        }
    });
    // Ending, it drops the sender, and so lets the deliverer end after what has arrived.
    std::thread::spawn(move || receive_replies(&arrivals, id, from_server, &sender));
    std::thread::spawn(move || {
        let _ = deliver_replies(&replies, id, &receiver, to_client);
        replies.end(id);
    });
    Ok(())
}

/// Calls `act` with every chunk that has been received so far and not been consumed; it returns how much it consumes.
fn each_chunk(
    mut from: TcpStream,
    mut act: impl FnMut(&[u8], usize) -> io::Result<usize>,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let count = match from.read(&mut chunk) {
            // A connection that was reset is as much at its end as one that was closed.
            Ok(0) | Err(_) => return Ok(()),
            Ok(count) => count,
        };
        buffer.extend_from_slice(&chunk[..count]);
        let consumed = act(&buffer, count)?;
        buffer.drain(..consumed);
    }
}

fn carry_requests(shared: &Shared, id: u64, from: TcpStream, mut to: &TcpStream) -> io::Result<()> {
    each_chunk(from, |bytes, received| {
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some(length) = request_length(&bytes[at..])? {
            frames.push(&bytes[at..at + length]);
            at += length;
        }
        let names: Vec<String> = frames.iter().map(|frame| command_name(frame)).collect();
        shared.change(|state| {
            state.seen.request_bytes += received as u64;
            state.seen.commands += names.len() as u64;
            for name in &names {
                *state.commands.entry(name.clone()).or_default() += 1;
            }
            if let Some(link) = state.links.get_mut(&id) {
                link.held_requests += names.len();
            }
        });
        for (frame, name) in frames.into_iter().zip(names) {
            if admit_request(shared, id, name)? {
                to.write_all(frame)?;
            }
        }
        Ok(at)
    })
}

/// Waits at the gate, and tells whether the request goes on to the server.
fn admit_request(shared: &Shared, id: u64, name: String) -> io::Result<bool> {
    let mut state = shared.lock();
    while state.links.contains_key(&id) && state.faults.requests.holds(Some(&name)) {
        state = shared.wait(state, None);
    }
    let lost = state.faults.loses(&name);
    let link = state
        .links
        .get_mut(&id)
        .ok_or(io::ErrorKind::ConnectionAborted)?;
    link.held_requests -= 1;
    if !lost {
        // Before the server can answer.
        link.asked.push_back(name);
    }
    state.seen.lost_requests += u64::from(lost);
    Ok(!lost)
}

fn receive_replies(shared: &Shared, id: u64, from: TcpStream, sender: &Sender<Arrival>) {
    let _ = each_chunk(from, |bytes, received| {
        let at = Instant::now();
        shared.change(|state| state.seen.reply_bytes += received as u64);
        let mut begin = 0;
        while let Some(length) = frame_length(&bytes[begin..])? {
            let frame = &bytes[begin..begin + length];
            begin += length;
            let command = shared.change(|state| {
                let link = state.links.get_mut(&id)?;
                link.held_replies += 1;
                if frame[0] == b'>' {
                    state.seen.pushes += 1;
                    return None;
                }
                state.seen.replies += 1;
                Some(link.asked.pop_front().unwrap_or_default())
            });
            let answer = Answer {
                bytes: frame.to_vec(),
                command,
            };
            sender
                .send(Arrival { answer, at })
                .map_err(|_| io::ErrorKind::ConnectionAborted)?;
        }
        Ok(begin)
    });
}

fn deliver_replies(
    shared: &Shared,
    id: u64,
    arrivals: &Receiver<Arrival>,
    mut to: TcpStream,
) -> io::Result<()> {
    for Arrival { answer, at } in arrivals {
        to.write_all(&admit_reply(shared, id, &answer, at)?)?;
    }
    Ok(())
}

/// Waits for the delay and at the gate, and returns what the client gets.
fn admit_reply(shared: &Shared, id: u64, answer: &Answer, at: Instant) -> io::Result<Vec<u8>> {
    let mut state = shared.lock();
    // Looked at anew after each change, so that a delay that is taken back is over at once.
    while state.links.contains_key(&id) {
        let due = at + state.faults.delay;
        if state.faults.replies.holds(answer.command.as_deref()) {
            if state.faults.passes > 0 {
                state.faults.passes -= 1;
                break;
            }
            state = shared.wait(state, None);
        } else if Instant::now() < due {
            state = shared.wait(state, Some(due));
        } else {
            break;
        }
    }
    state
        .links
        .get_mut(&id)
        .ok_or(io::ErrorKind::ConnectionAborted)?
        .held_replies -= 1;
    let (bytes, delivered) = state.faults.deform(answer);
    state.seen.dropped_replies += u64::from(!delivered);
    Ok(bytes)
}
