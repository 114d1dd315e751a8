//! A process of a small world.

use std::collections::HashSet;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use crate::plan::WorkerPlan;

pub struct Process {
    pub number: u16,
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
    /// Answers that came while another was waited for.
    heard: HashSet<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub fn start(plan: &WorkerPlan, mutant: Option<&str>) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg("worker")
            .env("CACHEWRIGHT_MUTANT", mutant.unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (orders, output) = (child.stdin.take(), child.stdout.take());
        let (Some(orders), Some(output)) = (orders, output) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut process = Self {
            number: plan.number,
            child,
            orders,
            answers,
            heard: HashSet::new(),
        };
        process.tell(&serde_json::to_string(plan)?);
        Ok(process)
    }

    /// One that is gone is not told anything, and does not answer either.
    pub fn tell(&mut self, line: &str) {
        let _ = writeln!(self.orders, "{line}");
    }

    /// Whether it answers in time, be it that it has answered something else before.
    pub fn answers(&mut self, expected: &str, deadline: Instant) -> bool {
        while !self.heard.remove(expected) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(line) => drop(self.heard.insert(line)),
                Err(_) => return false,
            }
        }
        true
    }
}
