//! The side that has the registers.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{self, Moment};
use crate::keys::Register;

/// A version that a register got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    pub register: Register,
    pub version: u64,
    /// While nobody could load: who began later got this version or a later one, and who was answered before got an earlier one.
    pub at: Moment,
}

/// Somebody's next load or commit that something befalls, after it was carried out and before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambush {
    pub occasion: Occasion,
    /// A worker's number; whoever comes first, if there is none.
    pub whom: Option<u16>,
    pub strike: Strike,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    Load,
    Commit,
}

/// What befalls a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    Kill,
    /// Stopped for this long.
    Stop(Duration),
}

/// A running database. It ends with this handle; commits that are still to be made then are not.
pub struct Server {
    shared: Arc<Shared>,
    socket: PathBuf,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Answers whether the worker was there to be struck, when it has been.
    strike: Box<dyn Fn(u16, Strike) -> bool + Send + Sync>,
}

#[derive(Default)]
struct State {
    /// Those that were committed to; the others are at 1.
    versions: HashMap<Register, u64>,
    commits: Vec<Commit>,
    ambushes: Vec<Ambush>,
    links: HashMap<u64, UnixStream>,
    accepted: u64,
    closed: bool,
}

/// A line from a worker.
struct Request {
    worker: u16,
    occasion: Occasion,
    after: Duration,
    registers: Vec<Register>,
}

impl Server {
    /// Listens on `socket`. `strike` is called for each ambush that somebody fell into, on the thread that is to answer; when it returns
    /// true the process is dead or stands still.
    pub fn start(
        socket: &Path,
        strike: impl Fn(u16, Strike) -> bool + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            strike: Box::new(strike),
        });
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Ok(Self {
            shared,
            socket: socket.to_owned(),
            acceptor: Some(acceptor),
        })
    }

    #[cfg(test)]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// All commits so far, the earliest first.
    pub fn commits(&self) -> Vec<Commit> {
        self.shared.lock().commits.clone()
    }

    pub fn lie_in_wait(&self, ambush: Ambush) {
        self.shared.lock().ambushes.push(ambush);
    }

    /// Ambushes that nobody has fallen into yet.
    #[cfg(test)]
    pub fn in_wait(&self) -> usize {
        self.shared.lock().ambushes.len()
    }

    /// Calls them all off.
    pub fn let_pass(&self) {
        self.shared.lock().ambushes.clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.closed = true;
            for link in state.links.values() {
                let _ = link.shutdown(Shutdown::Both);
            }
        }
        let _ = UnixStream::connect(&self.socket); // wakes the acceptor
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        loop {
            let accepted = listener.accept();
            let mut state = self.lock();
            if state.closed {
                return;
            }
            let Ok((stream, _)) = accepted else { continue };
            let Ok(link) = stream.try_clone() else {
                continue;
            };
            state.accepted += 1;
            let id = state.accepted;
            state.links.insert(id, link);
            drop(state);
            let shared = Arc::clone(self);
            std::thread::spawn(move || {
                // A client that is gone or talks nonsense is its own matter.
                let _ = shared.serve(&stream);
                let _ = stream.shutdown(Shutdown::Both);
                shared.lock().links.remove(&id);
            });
        }
    }

    fn serve(&self, stream: &UnixStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            let request = Request::parse(&line).ok_or(io::ErrorKind::InvalidData)?;
            // Nobody looks whether the asker is still there: neither does a real database that is about to commit.
            std::thread::sleep(request.after);
            let (mut words, ambush) = self
                .carry_out(&request)
                .ok_or(io::ErrorKind::NotConnected)?;
            if let Some(ambush) = ambush
                && !(self.strike)(request.worker, ambush.strike)
            {
                self.lock().ambushes.push(ambush);
            }
            let words: Vec<_> = words.drain(..).map(|word| word.to_string()).collect();
            (&*stream).write_all((words.join(" ") + "\n").as_bytes())?;
            line.clear();
        }
        Ok(())
    }

    /// The versions, and the moment. `None` when the database has ended.
    fn carry_out(&self, request: &Request) -> Option<(Vec<u64>, Option<Ambush>)> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.closed {
            return None;
        }
        let at = clock::now();
        let versions = request.registers.iter().map(|register| {
            let version = state.versions.entry(*register).or_insert(1);
            if request.occasion == Occasion::Commit {
                *version += 1;
                state.commits.push(Commit {
                    register: *register,
                    version: *version,
                    at,
                });
            }
            *version
        });
        let versions = versions.chain([at]).collect();
        let place = state.ambushes.iter().position(|ambush| {
            ambush.occasion == request.occasion
                && ambush.whom.is_none_or(|whom| whom == request.worker)
        });
        Some((versions, place.map(|place| state.ambushes.remove(place))))
    }
}

impl Request {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.split(' ');
        let occasion = match words.next()? {
            "load" => Occasion::Load,
            "commit" => Occasion::Commit,
            _ => return None,
        };
        let worker = words.next()?.parse().ok()?;
        let after = match occasion {
            Occasion::Load => Duration::ZERO,
            Occasion::Commit => Duration::from_micros(words.next()?.parse().ok()?),
        };
        let registers: Vec<_> = words
            .map(|word| word.parse().map(Register))
            .collect::<Result<_, _>>()
            .ok()?;
        let enough = match occasion {
            Occasion::Load => registers.len() == 1,
            Occasion::Commit => !registers.is_empty(),
        };
        enough.then_some(Self {
            worker,
            occasion,
            after,
            registers,
        })
    }
}

/// Bytes of a commit in a file.
const LENGTH: usize = 24;

pub fn write_commits(path: &Path, commits: &[Commit]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(commits.len() * LENGTH);
    for commit in commits {
        for number in [commit.register.0.into(), commit.version, commit.at] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    std::fs::write(path, bytes)
}

pub fn read_commits(path: &Path) -> io::Result<Vec<Commit>> {
    let bytes = std::fs::read(path)?;
    let (commits, _) = bytes.as_chunks::<LENGTH>();
    let commits = commits.iter().map(|bytes| {
        let (numbers, _) = bytes.as_chunks::<8>();
        Commit {
            register: Register(u64::from_le_bytes(numbers[0]) as u32),
            version: u64::from_le_bytes(numbers[1]),
            at: u64::from_le_bytes(numbers[2]),
        }
    });
    Ok(commits.collect())
}
