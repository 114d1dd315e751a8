//! The processes of a world, as the driver has them: started, ordered about, stopped, killed and replaced.

mod process;

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
    /// Each place's plan; number, seed and journal are filled in.
    plans: Vec<WorkerPlan>,
    directory: PathBuf,
    log: Arc<Log>,
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
    pub fn prepare(plans: Vec<WorkerPlan>, directory: PathBuf, log: Arc<Log>) -> Self {
        Self {
            plans,
            directory,
            log,
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
        state.running.push(Process::spawn(&plan, place, &errors)?);
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
            let Some(what) = state.running[index].look(PATIENCE) else {
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
            if self.lock().running.iter().all(|one| !one.is_asked()) {
                return Ok(());
            }
            std::thread::sleep(STEP);
        }
    }

    /// Has everybody end in their own way.
    pub fn finish(&self) -> io::Result<()> {
        self.order(Order::Finish)?;
        let deadline = Instant::now() + PATIENCE;
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
