//! The side that asks.

use std::io::{self, BufRead, Write};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::clock::Moment;
use crate::keys::Register;

/// A worker's way to the database. All methods may be called at once, from one runtime.
#[derive(Debug)]
pub struct Database {
    socket: PathBuf,
    worker: u16,
    idle: Mutex<Vec<BufReader<UnixStream>>>,
    idle_blocking: Mutex<Vec<std::io::BufReader<BlockingStream>>>,
}

impl Database {
    /// Connects when it is first asked.
    pub fn new(socket: &Path, worker: u16) -> Self {
        Self {
            socket: socket.to_owned(),
            worker,
            idle: Mutex::default(),
            idle_blocking: Mutex::default(),
        }
    }

    /// The register's version at a moment of this call.
    pub async fn load(&self, register: Register) -> io::Result<u64> {
        let answer = self.ask(&self.load_line(register)).await?;
        one(&versions(&answer, 1)?.0)
    }

    /// [`load`](Self::load), for bodies that block.
    pub fn load_blocking(&self, register: Register) -> io::Result<u64> {
        let idle = pop(&self.idle_blocking);
        let mut stream = match idle {
            Some(stream) => stream,
            None => std::io::BufReader::new(BlockingStream::connect(&self.socket)?),
        };
        stream
            .get_mut()
            .write_all(self.load_line(register).as_bytes())?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        let (versions, _) = versions(&answer, 1)?;
        push(&self.idle_blocking, stream);
        one(&versions)
    }

    /// Commits to all of the registers at one moment, `after` later, and answers with their versions. It commits also if the future is
    /// dropped, or this process is killed, once the line is sent.
    pub async fn commit(&self, registers: &[Register], after: Duration) -> io::Result<Vec<u64>> {
        Ok(self.commit_at(registers, after).await?.0)
    }

    /// [`commit`](Self::commit), with the moment at which it was done.
    pub async fn commit_at(
        &self,
        registers: &[Register],
        after: Duration,
    ) -> io::Result<(Vec<u64>, Moment)> {
        let words = registers.iter().map(|register| register.0.to_string());
        let words: Vec<_> = words.collect();
        let line = format!(
            "commit {} {} {}\n",
            self.worker,
            after.as_micros(),
            words.join(" ")
        );
        versions(&self.ask(&line).await?, registers.len())
    }

    /// A connection goes back when it was answered: whoever is dropped before takes it along, with the answer that is still to come.
    async fn ask(&self, line: &str) -> io::Result<String> {
        let idle = pop(&self.idle);
        let mut stream = match idle {
            Some(stream) => stream,
            None => BufReader::new(UnixStream::connect(&self.socket).await?),
        };
        stream.write_all(line.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        if answer.ends_with('\n') {
            push(&self.idle, stream);
        }
        Ok(answer)
    }

    fn load_line(&self, register: Register) -> String {
        format!("load {} {}\n", self.worker, register.0)
    }
}

fn pop<T>(idle: &Mutex<Vec<T>>) -> Option<T> {
    idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn push<T>(idle: &Mutex<Vec<T>>, stream: T) {
    idle.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(stream);
}

/// The versions, and the moment behind them.
fn versions(answer: &str, count: usize) -> io::Result<(Vec<u64>, Moment)> {
    let Some(answer) = answer.strip_suffix('\n') else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let words: Result<Vec<u64>, _> = answer.split(' ').map(str::parse).collect();
    match words.as_deref() {
        Ok([versions @ .., at]) if versions.len() == count => Ok((versions.to_vec(), *at)),
        _ => Err(io::Error::other(format!(
            "the database answered `{answer}` for {count} registers"
        ))),
    }
}

fn one(versions: &[u64]) -> io::Result<u64> {
    versions
        .first()
        .copied()
        .ok_or(io::ErrorKind::InvalidData.into())
}
