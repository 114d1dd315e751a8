//! One worker's process.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::clock::{self, Moment};
use crate::guard::Guard;
use crate::outcome::Stop;
use crate::plan::{Order, WorkerPlan};

/// It ends with its handle, and with the driver.
pub struct Process {
    pub number: u16,
    pub place: u16,
    child: Child,
    guard: Option<Guard>,
    input: ChildStdin,
    answers: Receiver<String>,
    asked: Option<Asked>,
    stopped: Option<Stopped>,
    finished: bool,
    /// Whether somebody else takes its place then.
    retires: bool,
}

/// What it was told and hasn't answered.
struct Asked {
    order: &'static str,
    answer: &'static str,
    since: Instant,
}

struct Stopped {
    from: Moment,
    until: Instant,
}

impl Process {
    /// Starts it. What it has to say of itself goes into `errors`.
    pub fn spawn(
        command: &[OsString],
        plan: &WorkerPlan,
        place: u16,
        errors: &Path,
    ) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(errors)?)
            .spawn()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a worker without pipes"));
        };
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.all(|line| sender.send(line).is_ok())
        });
        let guard = Guard::of_process(child.id());
        // One that has died already is found so later.
        let _ = writeln!(input, "{}", serde_json::to_string(plan)?);
        let failed = guard
            .as_ref()
            .err()
            .map(|error| io::Error::other(error.to_string()));
        let process = Self {
            number: plan.number,
            place,
            child,
            guard: guard.ok(),
            input,
            answers,
            asked: Some(Asked {
                order: "begin",
                answer: "ready",
                since: Instant::now(),
            }),
            stopped: None,
            finished: false,
            retires: false,
        };
        // Dropping it ends it.
        failed.map_or(Ok(process), Err)
    }

    /// Tells it something new. It has answered what it was told before.
    pub fn tell(&mut self, order: Order) {
        self.asked = Some(Asked {
            order: order.line(),
            answer: order.answer(),
            since: Instant::now(),
        });
        self.finished = order == Order::Finish;
        // One that has died is found so later.
        let _ = writeln!(self.input, "{}", order.line());
    }

    /// Has it end in its own way, with whatever it has under way.
    pub fn retire(&mut self) {
        self.retires = true;
        self.tell(Order::Finish);
    }

    pub fn retires(&self) -> bool {
        self.retires
    }

    pub fn has_retired(&mut self) -> bool {
        self.retires && !self.is_asked() && matches!(self.child.try_wait(), Ok(Some(_)))
    }

    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Reads its answers, and says what is wrong with it.
    pub fn look(&mut self, patience: Duration) -> Option<String> {
        while let Ok(line) = self.answers.try_recv() {
            match &self.asked {
                Some(asked) if asked.answer == line => self.asked = None,
                Some(asked) => return Some(format!("answered `{line}` to `{}`", asked.order)),
                None => return Some(format!("said `{line}` without being asked")),
            }
        }
        if let Ok(Some(status)) = self.child.try_wait()
            && !(self.finished && status.success())
        {
            let order = self.asked.as_ref().map_or("nothing", |asked| asked.order);
            return Some(format!("ended by itself ({status}), asked for `{order}`"));
        }
        let asked = self.asked.as_ref()?;
        // Who retires waits for a server that may be away.
        let patience = if self.retires { 4 * patience } else { patience };
        let waited = asked.since.elapsed();
        (self.stopped.is_none() && waited > patience)
            .then(|| format!("has not answered `{}` for {waited:?}", asked.order))
    }

    /// Stops it for this long, if it is there; longer, if it is stopped already.
    pub fn stop(&mut self, span: Duration) -> bool {
        let until = Instant::now() + span;
        if let Some(stopped) = &mut self.stopped {
            stopped.until = stopped.until.max(until);
            return true;
        }
        let from = clock::now();
        let pid = Pid::from_child(&self.child);
        // The end of a process is left to be seen by its handle. The stop is taken away: it would be seen again.
        let peek = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let stands = kill_process(pid, Signal::STOP)
            .and_then(|()| waitid(WaitId::Pid(pid), peek))
            .is_ok_and(|status| status.is_some_and(|status| status.stopped()));
        if !stands {
            return false;
        }
        let taken = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        let _ = waitid(WaitId::Pid(pid), taken);
        self.stopped = Some(Stopped { from, until });
        true
    }

    pub fn stopped_until(&self) -> Option<Instant> {
        self.stopped.as_ref().map(|stopped| stopped.until)
    }

    /// Lets it go on, if it is stopped.
    pub fn go_on(&mut self) -> Option<Stop> {
        self.stopped.as_ref()?;
        let _ = kill_process(Pid::from_child(&self.child), Signal::CONT);
        // It could not answer meanwhile.
        if let Some(asked) = &mut self.asked {
            asked.since = Instant::now();
        }
        self.stop_until_now()
    }

    /// Its stop, as if it ended now.
    pub fn stop_until_now(&mut self) -> Option<Stop> {
        self.stopped.take().map(|stopped| Stop {
            worker: Some(self.number),
            from: stopped.from,
            to: clock::now(),
        })
    }

    pub fn has_ended_by(&mut self, deadline: Instant) -> bool {
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }
}

impl Drop for Process {
    /// Kills it, stopped or not, and waits until it is gone. The guard goes first, since afterwards the id may be another's.
    fn drop(&mut self) {
        self.guard.take();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
