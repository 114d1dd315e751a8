//! One run of a server's process.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// A process that ends with its handle, and with the process that holds the handle.
pub(crate) struct Process {
    child: Child,
    watchdog: Child,
    paused: bool,
}

/// Waits until its standard input ends, which is when the test's process does, however that comes about: statics are never dropped, and
/// a killed process drops nothing. Then it kills the server and removes its directory. The signals that a whole group of processes
/// gets must not end it before its work, for they don't end a stopped server.
const WATCHDOG: &str = r#"trap "" INT TERM HUP; read -r _; kill -KILL "$1"; rm -rf "$2""#;

impl Process {
    /// Runs `binary` with the file redis.conf of `dir`, in `dir`, and collects its output in `log` there.
    pub(crate) fn spawn(binary: &str, dir: &Path, env: &[(String, String)]) -> io::Result<Self> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join("log"))?;
        let mut child = Command::new(binary)
            .arg(dir.join("redis.conf"))
            .current_dir(dir)
            .envs(env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh", &child.id().to_string()])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self {
                child,
                watchdog,
                paused: false,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Stops it, and returns when it stands still.
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        if self.paused {
            return Ok(()); // a second stop would be reported to nobody
        }
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP)?;
        // The signal takes its time, in which the server could still answer a command.
        let status = waitpid(Some(pid), WaitOptions::UNTRACED)?;
        match status {
            Some((_, status)) if status.stopped() => {
                self.paused = true;
                Ok(())
            }
            _ => Err(io::Error::other("the server ended instead of stopping")),
        }
    }

    pub(crate) fn resume(&mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::CONT)?;
        self.paused = false;
        Ok(())
    }
}

impl Drop for Process {
    /// Kills it, paused or not, and waits until it is gone. The watchdog goes first, since afterwards the server's id may be another's.
    fn drop(&mut self) {
        for child in [&mut self.watchdog, &mut self.child] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
