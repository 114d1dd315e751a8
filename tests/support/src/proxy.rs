//! A network that can be told to fail.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::faults::{Faults, Gate};
use crate::ports::free_port;
use crate::pump::{Shared, connect};

/// How long to wait for a port that was open a moment ago.
const REOPEN: Duration = Duration::from_secs(10);

/// What has come through a [`Proxy`] since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// Connections that were accepted, also those that are over.
    pub connections: u64,
    /// Requests that arrived whole, lost and held ones included.
    pub commands: u64,
    /// Replies that the server gave, without pushes, whatever became of them.
    pub replies: u64,
    /// Pushes of version 3.
    pub pushes: u64,
    /// Requests that the server didn't get.
    pub lost_requests: u64,
    /// Replies and pushes that the client didn't get, except those that died with their connection.
    pub dropped_replies: u64,
    /// Bytes from clients.
    pub request_bytes: u64,
    /// Bytes from the server.
    pub reply_bytes: u64,
}

/// Stands before a server, on a loopback port of its own, and passes on what comes, until it is told otherwise.
///
/// It understands the protocol, versions 2 and 3, without TLS. Faults hold for all connections, combine, and stay until [`Proxy::pass`] or
/// until they are used up. A command's name is its first word, in any case. Replies are matched with commands by their order, which fails
/// after `SUBSCRIBE` in version 2 and `CLIENT REPLY OFF`; pushes answer nothing.
///
/// A lost request, a dropped, an inserted and a doubled reply shift what comes later on their connection by one, as far as the client
/// counts. Nothing a network does is like that; what a client does after it gave up a reply and kept the connection is.
///
/// It runs on threads of its own and ends when it is dropped. All methods may be called from any thread.
pub struct Proxy {
    shared: Arc<Shared>,
    addr: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before the server at this address. The server needn't be there yet: until it is, connections are closed as soon as they
    /// were accepted.
    pub fn start(server: SocketAddr) -> Self {
        let listener =
            (0..100).find_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).ok());
        let listener = listener.expect("a port for the proxy");
        let addr = listener
            .local_addr()
            .expect("a bound listener has an address");
        let shared = Arc::new(Shared::new(server));
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&shared, listener, addr)
        });
        Self {
            shared,
            addr,
            acceptor: Some(acceptor),
        }
    }

    /// `redis://127.0.0.1:port`. See also [`RedisServer::url_via`](crate::RedisServer::url_via).
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// 127.0.0.1 and the port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The port, which never changes.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Connects to this server from now on. Connections that exist keep theirs.
    pub fn retarget(&self, server: SocketAddr) {
        self.shared.change(|state| state.target = server);
    }

    /// Ends every fault: what is held goes on, and connections are accepted.
    pub fn pass(&self) {
        self.set(|faults| *faults = Faults::default());
        self.accept_connections();
    }

    /// Delivers each reply and push this long after it came. They don't wait for each other, so this is a longer line and not a slower one.
    pub fn delay_replies(&self, delay: Duration) {
        self.set(|faults| faults.delay = delay);
    }

    /// Delivers neither replies nor pushes until they are released. The server gets requests and carries them out.
    pub fn hold_replies(&self) {
        self.set(|faults| faults.replies = Gate::Shut);
    }

    /// Holds replies to this command, and what comes after them on their connection.
    pub fn hold_replies_to(&self, command: &str) {
        self.set(|faults| faults.replies = Gate::ShutFor(command.to_ascii_uppercase()));
    }

    /// Lets this many replies (or pushes) pass that are held, or that will be. What is left over ends with the hold.
    pub fn release_some(&self, count: usize) {
        self.set(|faults| faults.passes += count);
    }

    /// Delivers what is held, and what comes.
    pub fn release_replies(&self) {
        self.set(|faults| {
            faults.replies = Gate::Open;
            faults.passes = 0;
        });
    }

    /// Replies and pushes that the server has given and the client hasn't got, on all connections.
    pub fn held_replies(&self) -> usize {
        self.shared
            .lock()
            .links
            .values()
            .map(|link| link.held_replies)
            .sum()
    }

    /// Passes no requests on until they are released. They arrive then even if their client has closed the connection meanwhile, like
    /// what was in the network when it gave up; but not after [`cut`](Self::cut).
    pub fn hold_requests(&self) {
        self.set(|faults| faults.requests = Gate::Shut);
    }

    /// Holds requests of this command, and what comes after them on their connection.
    pub fn hold_requests_of(&self, command: &str) {
        self.set(|faults| faults.requests = Gate::ShutFor(command.to_ascii_uppercase()));
    }

    /// Passes on what is held, and what comes.
    pub fn release_requests(&self) {
        self.set(|faults| faults.requests = Gate::Open);
    }

    /// Requests that arrived whole and haven't been passed on, on all connections.
    pub fn held_requests(&self) -> usize {
        self.shared
            .lock()
            .links
            .values()
            .map(|link| link.held_requests)
            .sum()
    }

    /// Swallows the next replies to any command. The commands were carried out.
    pub fn drop_replies(&self, count: usize) {
        self.set(|faults| faults.dropped.add(None, count));
    }

    /// Swallows the next replies to this command.
    pub fn drop_replies_to(&self, command: &str, count: usize) {
        self.set(|faults| faults.dropped.add(Some(command), count));
    }

    /// Delivers the next replies twice.
    pub fn duplicate_replies(&self, count: usize) {
        self.set(|faults| faults.duplicated.add(None, count));
    }

    /// Delivers the next replies to this command twice.
    pub fn duplicate_replies_to(&self, command: &str, count: usize) {
        self.set(|faults| faults.duplicated.add(Some(command), count));
    }

    /// Delivers these bytes before the next reply, on whichever connection that is: a frame like `b"+OK\r\n"`, or what is none.
    pub fn insert_reply(&self, bytes: &[u8]) {
        self.set(|faults| faults.inserted.extend_from_slice(bytes));
    }

    /// Swallows every reply and push: the server seems to hang, and carries everything out.
    pub fn swallow_replies(&self) {
        self.set(|faults| faults.swallow_replies = true);
    }

    /// Swallows every push: a link that seems to live and says nothing.
    pub fn swallow_pushes(&self) {
        self.set(|faults| faults.swallow_pushes = true);
    }

    /// Swallows the next requests of any command before the server sees them. With `usize::MAX`, nothing gets through.
    pub fn lose_requests(&self, count: usize) {
        self.set(|faults| faults.lost.add(None, count));
    }

    /// Swallows the next requests of this command.
    pub fn lose_requests_of(&self, command: &str, count: usize) {
        self.set(|faults| faults.lost.add(Some(command), count));
    }

    /// Cuts every connection, with all that is held on it. The client can connect anew.
    ///
    /// A connection that is being established may escape; one that has carried a command doesn't.
    pub fn cut(&self) {
        let links = self.shared.change(|state| std::mem::take(&mut state.links));
        links.values().for_each(|link| link.cut());
    }

    /// Refuses new connections from now on, as if nobody listened there. Those that exist live on.
    pub fn refuse_connections(&self) {
        self.shared.change(|state| state.accepting = false);
        let _ = TcpStream::connect(self.addr); // wakes the acceptor
        self.wait_until_listening(false);
    }

    /// Accepts connections again, if they were refused, on the same port.
    ///
    /// # Panics
    ///
    /// If another process has taken the port meanwhile, and keeps it.
    pub fn accept_connections(&self) {
        self.shared.change(|state| state.accepting = true);
        self.wait_until_listening(true);
    }

    /// Connections that exist.
    pub fn open_connections(&self) -> usize {
        self.shared.lock().links.len()
    }

    /// What has come through so far.
    pub fn seen(&self) -> Seen {
        self.shared.lock().seen
    }

    /// How often this command came from clients, lost and held ones included.
    pub fn count(&self, command: &str) -> u64 {
        self.shared
            .lock()
            .commands
            .get(&command.to_ascii_uppercase())
            .copied()
            .unwrap_or_default()
    }

    fn set(&self, set: impl FnOnce(&mut Faults)) {
        self.shared.change(|state| set(&mut state.faults));
    }

    fn wait_until_listening(&self, listening: bool) {
        let deadline = Instant::now() + REOPEN;
        let mut state = self.shared.lock();
        while state.listening != listening {
            assert!(
                Instant::now() < deadline,
                "the proxy's port can't be opened or closed"
            );
            state = self.shared.wait(state, Some(deadline));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|state| state.closed = true);
        let _ = TcpStream::connect(self.addr); // wakes the acceptor
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        self.cut();
    }
}

/// Accepts connections until the proxy is dropped.
fn accept(shared: &Arc<Shared>, mut listener: TcpListener, addr: SocketAddr) {
    loop {
        let accepted = listener.accept();
        let mut state = shared.lock();
        if state.closed {
            close(listener);
            return;
        }
        if !state.accepting {
            drop((accepted, state));
            // Closed and not only ignored, so that the system refuses.
            close(listener);
            let Some(reopened) = reopen(shared, addr) else {
                return;
            };
            listener = reopened;
            continue;
        }
        let Ok((client, _)) = accepted else { continue };
        state.seen.connections += 1;
        drop(state);
        // Without a server the client is dropped, and so closed.
        let _ = connect(shared, client);
    }
}

/// Ends the listening at once. If another thread is starting a process, that has a copy of the descriptor until it runs its program, and
/// would keep a listener open that was merely dropped.
fn close(listener: TcpListener) {
    let _ = rustix::net::shutdown(&listener, rustix::net::Shutdown::Read);
}

/// Waits until connections are wanted again, and opens the port; `None` if the proxy was dropped.
fn reopen(shared: &Shared, addr: SocketAddr) -> Option<TcpListener> {
    shared.change(|state| state.listening = false);
    let mut state = shared.lock();
    loop {
        if state.closed {
            return None;
        }
        if state.accepting {
            if let Ok(listener) = TcpListener::bind(addr) {
                drop(state);
                shared.change(|state| state.listening = true);
                return Some(listener);
            }
            state = shared.wait(state, Some(Instant::now() + Duration::from_millis(5)));
        } else {
            state = shared.wait(state, None);
        }
    }
}
