//! The processes of a world, as the driver has them: started, ordered about, stopped, killed and replaced.

mod process;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::{self, Moment};
use crate::database::Strike;
use crate::outcome::{Life, Log, Outcome, Stop, Trouble, journal};
use crate::plan::{Order, WorkerPlan};
use process::Process;

/// How long a worker may take for what it is told. Machines are slow, and what hangs hangs for good.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const STEP: Duration = Duration::from_millis(2);
/// After a worker was killed, before another takes its place.
const VACANCY: Duration = Duration::from_millis(300);

/// All methods may be called from any thread.
pub struct Workers {
    /// The program and its arguments.
    command: Vec<OsString>,
    /// Each place's plan; number, seed and journal are filled in.
    plans: Vec<WorkerPlan>,
    directory: PathBuf,
    log: Arc<Log>,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Vec<Process>,
    /// Places to be filled, and when.
    vacant: Vec<(u16, Instant)>,
    started: u16,
    lives: Vec<Life>,
    stops: Vec<Stop>,
    troubles: Vec<Trouble>,
}

impl Workers {
    /// A place for each plan, with nobody there yet.
    pub fn prepare(
        command: Vec<OsString>,
        plans: Vec<WorkerPlan>,
        directory: PathBuf,
        log: Arc<Log>,
    ) -> Self {
        Self {
            command,
            plans,
            directory,
            log,
            patience: PATIENCE,
            state: Mutex::default(),
        }
    }

    /// Starts a process at each place, and returns when all are ready.
    pub fn start(&self) -> io::Result<()> {
        for place in 0..self.plans.len() as u16 {
            self.spawn(&mut self.lock(), place)?;
        }
        self.wait()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, state: &mut State, place: u16) -> io::Result<()> {
        let number = state.started;
        state.started += 1;
        let mut plan = self.plans[usize::from(place)].clone();
        plan.number = number;
        plan.seed ^= u64::from(number) << 32;
        plan.journal = self.directory.join(journal(number));
        self.log
            .note(&format!("worker {number} starts at place {place}"));
        let errors = self.directory.join(format!("worker-{number}.log"));
        state.lives.push(Life {
            worker: number,
            place,
            from: clock::now(),
            killed: None,
        });
        state
            .running
            .push(Process::spawn(&self.command, &plan, place, &errors)?);
        Ok(())
    }

    /// Who is at this place.
    pub fn at(&self, place: u16) -> Option<u16> {
        let state = self.lock();
        let process = state
            .running
            .iter()
            .find(|process| process.place == place)?;
        Some(process.number)
    }

    /// Kills or stops a worker. When this returns true it is dead or stands still; false if it was not there.
    pub fn strike(&self, number: u16, strike: Strike) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(index) = state.running.iter().position(|one| one.number == number) else {
            return false;
        };
        match strike {
            Strike::Kill => {
                self.log.note(&format!("worker {number} is killed"));
                self.remove(state, index);
                true
            }
            Strike::Stop(span) => {
                self.log
                    .note(&format!("worker {number} is stopped for {span:?}"));
                state.running[index].stop(span)
            }
        }
    }

    /// Has a worker end in its own way, be it with invalidations pending, and then has its place filled again.
    pub fn retire(&self, number: u16) {
        let mut state = self.lock();
        let mut running = state.running.iter_mut();
        if let Some(process) = running.find(|one| one.number == number && !one.is_asked()) {
            self.log.note(&format!("worker {number} retires"));
            process.retire();
        }
    }

    /// Ends a worker and has its place filled again.
    fn remove(&self, state: &mut State, index: usize) {
        let mut process = state.running.remove(index);
        state.stops.extend(process.stop_until_now());
        let (number, place) = (process.number, process.place);
        drop(process);
        state.bury(number);
        state.vacant.push((place, Instant::now() + VACANCY));
    }

    /// What is due: stopped ones go on, vacant places are filled, answers are read, and who has died or hangs is noted.
    pub fn look_after(&self) -> io::Result<()> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let now = Instant::now();
        for process in &mut state.running {
            if process.stopped_until().is_some_and(|until| until <= now) {
                state.stops.extend(process.go_on());
            }
        }
        let due: Vec<_> = state.vacant.extract_if(.., |(_, at)| *at <= now).collect();
        for (place, _) in due {
            self.spawn(state, place)?;
        }
        for index in (0..state.running.len()).rev() {
            let Some(what) = state.running[index].look(self.patience) else {
                if state.running[index].has_retired() {
                    self.remove(state, index);
                }
                continue;
            };
            let number = state.running[index].number;
            self.log.note(&format!("worker {number} {what}"));
            state.troubles.push(Trouble {
                worker: number,
                at: clock::now(),
                what,
            });
            self.remove(state, index);
        }
        Ok(())
    }

    /// Lets all go on that are stopped, fills all places, and returns when everybody is ready.
    pub fn heal(&self) -> io::Result<()> {
        {
            let mut guard = self.lock();
            let state = &mut *guard;
            for process in &mut state.running {
                state.stops.extend(process.go_on());
            }
            for (_, at) in &mut state.vacant {
                *at = Instant::now();
            }
        }
        self.wait()
    }

    /// Tells everybody, and returns when all have answered, or were found to hang.
    pub fn order(&self, order: Order) -> io::Result<()> {
        // Whoever has just taken a killed one's place is ready first.
        self.wait()?;
        self.log.note(order.line());
        for process in &mut self.lock().running {
            process.tell(order);
        }
        self.wait()
    }

    fn wait(&self) -> io::Result<()> {
        loop {
            self.look_after()?;
            // Who retires is gone before anybody is told anything else.
            let waits = |one: &Process| one.is_asked() || one.retires();
            if !self.lock().running.iter().any(waits) {
                return Ok(());
            }
            std::thread::sleep(STEP);
        }
    }

    /// Has everybody end in their own way.
    pub fn finish(&self) -> io::Result<()> {
        self.order(Order::Finish)?;
        let deadline = Instant::now() + self.patience;
        for process in &mut self.lock().running {
            if !process.has_ended_by(deadline) {
                self.log
                    .note(&format!("worker {} does not end", process.number));
            }
        }
        Ok(())
    }

    /// Ends everybody at once.
    pub fn end(&self) {
        self.lock().running.clear();
    }

    /// What has come to pass so far.
    pub fn outcome(&self, began: Moment) -> Outcome {
        let state = self.lock();
        Outcome {
            began,
            ended: clock::now(),
            lives: state.lives.clone(),
            stops: state.stops.clone(),
            troubles: state.troubles.clone(),
        }
    }
}

impl State {
    fn bury(&mut self, number: u16) {
        let life = self.lives.iter_mut().find(|life| life.worker == number);
        if let Some(life) = life {
            life.killed = Some(clock::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Workload;

    /// Answers as a worker does, but for what the test wants of it.
    fn script(otherwise: &str) -> String {
        format!(
            "read -r plan; echo ready; while read -r order; do case $order in {otherwise} pause) echo paused;; drain) echo drained;; \
             finish) echo finished; exit 0;; esac; done"
        )
    }

    /// Two places, and the directory that they write to.
    fn workers(script: &str) -> (Workers, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let plan = WorkerPlan {
            number: 0,
            seed: 1,
            url: None,
            database: PathBuf::new(),
            journal: PathBuf::new(),
            workload: Workload {
                ids: 1,
                tasks: 1,
                load_delay: Duration::ZERO,
                commit_delay: Duration::ZERO,
                rest: Duration::ZERO,
                dropped: 0,
                mix: Default::default(),
            },
            cache: Default::default(),
        };
        let log = Arc::new(Log::create(directory.path()).unwrap());
        let command = ["sh", "-c", script].map(OsString::from).to_vec();
        let path = directory.path().to_owned();
        let workers = Workers::prepare(command, vec![plan; 2], path, log);
        workers.start().unwrap();
        (workers, directory)
    }

    #[test]
    fn who_answers_and_ends_is_no_trouble() {
        let (workers, _directory) = workers(&script(""));
        workers.order(Order::Pause).unwrap();
        workers.order(Order::Drain).unwrap();
        workers.finish().unwrap();
        let outcome = workers.outcome(0);
        assert!(outcome.troubles.is_empty(), "{outcome:?}");
        assert_eq!((outcome.lives.len(), outcome.kills()), (2, 0));
    }

    #[test]
    fn who_does_not_answer_hangs_and_is_replaced() {
        let (mut workers, _directory) = workers(&script("drain) sleep 600;;"));
        workers.patience = Duration::from_millis(100);
        workers.order(Order::Drain).unwrap();
        workers.patience = PATIENCE;
        workers.heal().unwrap();
        let outcome = workers.outcome(0);
        let [first, second] = &outcome.troubles[..] else {
            panic!("{outcome:?}");
        };
        for trouble in [first, second] {
            assert!(
                trouble.what.contains("has not answered `drain`"),
                "{trouble:?}"
            );
        }
        assert_eq!((outcome.lives.len(), outcome.kills()), (4, 2));
        workers.order(Order::Pause).unwrap();
        assert_eq!(workers.outcome(0).troubles.len(), 2);
    }

    #[test]
    fn who_ends_by_itself_or_says_something_else_is_told() {
        for (otherwise, what) in [
            ("pause) exit 3;;", "ended by itself"),
            ("pause) echo swept;;", "answered `swept` to `pause`"),
        ] {
            let (workers, _directory) = workers(&script(otherwise));
            workers.order(Order::Pause).unwrap();
            let outcome = workers.outcome(0);
            assert_eq!(outcome.troubles.len(), 2);
            assert!(outcome.troubles[0].what.contains(what), "{outcome:?}");
        }
    }

    #[test]
    fn a_killed_one_is_gone_and_another_with_the_next_number_takes_its_place() {
        let (workers, _directory) = workers(&script(""));
        assert!(workers.strike(1, Strike::Kill));
        assert!(!workers.strike(1, Strike::Kill));
        assert_eq!(workers.at(1), None);
        workers.heal().unwrap();
        assert_eq!(workers.at(1), Some(2));
        workers.order(Order::Pause).unwrap();
        let outcome = workers.outcome(0);
        assert!(outcome.troubles.is_empty(), "{outcome:?}");
        assert!(outcome.lives[1].killed.is_some() && outcome.lives[2].killed.is_none());
    }

    #[test]
    fn a_stopped_one_goes_on_after_its_time_and_does_not_hang_meanwhile() {
        let (mut workers, _directory) = workers(&script(""));
        let span = Duration::from_millis(1_500);
        assert!(workers.strike(0, Strike::Stop(span)));
        workers.patience = Duration::from_secs(1);
        workers.order(Order::Pause).unwrap();
        let outcome = workers.outcome(0);
        assert!(outcome.troubles.is_empty(), "{outcome:?}");
        let [stop] = outcome.stops[..] else {
            panic!("{outcome:?}");
        };
        assert_eq!(stop.worker, Some(0));
        assert!(u128::from(stop.to - stop.from) >= span.as_nanos());
        // A second one is a stop of its own, which healing ends.
        assert!(workers.strike(0, Strike::Stop(PATIENCE)));
        workers.heal().unwrap();
        workers.order(Order::Drain).unwrap();
        assert_eq!(workers.outcome(0).stops.len(), 2);
    }

    #[test]
    fn who_is_killed_while_it_is_stopped_has_stopped_until_then() {
        let (workers, _directory) = workers(&script(""));
        assert!(workers.strike(0, Strike::Stop(PATIENCE)));
        assert!(workers.strike(0, Strike::Kill));
        let outcome = workers.outcome(0);
        assert_eq!((outcome.stops.len(), outcome.kills()), (1, 1));
    }
}
