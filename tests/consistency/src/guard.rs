//! What must not outlive the driver, however that ends.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits until its standard input ends, which is when the driver does, also by SIGKILL. The signals that a whole group of processes gets
/// must not end it before its work: they don't end a stopped worker.
const SCRIPT: &str = r#"trap "" INT TERM HUP; read -r _
[ -z "$1" ] || kill -KILL "$1"
[ -z "$2" ] || rm -rf "$2""#;

/// Ends a process, or removes a directory, if the driver ends while it holds this.
pub struct Guard(Child);

impl Guard {
    pub fn of_process(id: u32) -> io::Result<Self> {
        Self::spawn(&id.to_string(), Path::new(""))
    }

    pub fn of_directory(path: &Path) -> io::Result<Self> {
        Self::spawn("", path)
    }

    fn spawn(process: &str, directory: &Path) -> io::Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "sh", process])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        child.map(Self)
    }
}

impl Drop for Guard {
    /// Calls it off. A process is to be waited for only afterwards: then its id may be another's.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
