//! Random programs, each run over a tier and over the model beside it.

mod deeds;
pub(crate) mod model;
pub(crate) mod program;
pub(crate) mod world;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use cache_core::testing::SteppedClock;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};

use model::{Model, Place, Process, Region};
use program::Step;
use world::{Service, Source, Tier};

/// How often a tier had what the model has, and how often it had forgotten it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) hits: u64,
    pub(crate) forgotten: u64,
}

/// Runs so many programs, each over a tier that `open` gives, and shrinks one that fails.
pub(crate) fn check<T: Tier>(
    source_file: &'static str,
    cases: u32,
    longest: usize,
    open: impl Fn(&SteppedClock) -> T,
) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let persistence = FileFailurePersistence::WithSource("proptest-regressions");
    let mut runner = TestRunner::new(Config {
        cases,
        source_file: Some(source_file),
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    });
    let tally = RefCell::new(Tally::default());
    runner
        .run(&program::programs(longest), |steps| {
            let clock = SteppedClock::new();
            let tier = open(&clock);
            let mut tally = tally.borrow_mut();
            let mut run = Run::new(&tier, clock, &mut tally);
            runtime.block_on(async {
                for step in steps {
                    run.take(step).await;
                }
            });
            Ok(())
        })
        .unwrap_or_else(|failure| match failure {
            TestError::Fail(reason, steps) => panic!("{reason} after {steps:?}"),
            abort @ TestError::Abort(_) => panic!("{abort}"),
        });
    tally.into_inner()
}

/// One program under way.
struct Run<'a> {
    tier: &'a dyn Tier,
    clock: SteppedClock,
    services: Vec<Service>,
    source: Arc<Source>,
    model: Model,
    /// Whether the store does what it is asked.
    calm: bool,
    /// The prefixes that are off, by process.
    off: Vec<Vec<&'static str>>,
    /// Of dropped writers: by whom, what, and when it is done again.
    dropped: Vec<(Process, Region, u64)>,
    tally: &'a mut Tally,
}

impl<'a> Run<'a> {
    fn new(tier: &'a dyn Tier, clock: SteppedClock, tally: &'a mut Tally) -> Self {
        let (services, source) = world::services(tier, &clock);
        Self {
            off: vec![Vec::new(); services.len()],
            tier,
            clock,
            services,
            source,
            model: Model::new(tier.is_stepped()),
            calm: true,
            dropped: Vec::new(),
            tally,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Deed(process, deed) => {
                let process = process % self.services.len();
                self.deed(process, deed).await;
            }
            Step::Advance(seconds) => self.advance(seconds),
            Step::Evict(which) => self.evict(Some(which)),
            Step::Flush => self.evict(None),
            fault => self.meddle(fault),
        }
        for process in 0..self.services.len() {
            if self.services[process].pending() == 0 {
                self.model.acknowledged(process);
            }
        }
    }

    fn advance(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.model.now += seconds;
        let now = self.model.now;
        for (process, region, _) in self.dropped.iter().filter(|(_, _, due)| *due <= now) {
            self.model.deny(|place| region.covers(place), *process);
        }
        self.dropped.retain(|(_, _, due)| *due > now);
    }

    fn evict(&mut self, which: Option<usize>) {
        if self.tier.evict(which) {
            self.model.forget(|_| true);
        }
    }

    /// What becomes of the store.
    fn meddle(&mut self, step: Step) {
        let Some(script) = self.tier.script() else {
            return;
        };
        let calm = std::mem::replace(&mut self.calm, false);
        match step {
            Step::Fault(times, operation, fault) => script.next(times, operation, fault),
            Step::Down(down) => script.set_down(down),
            Step::RefuseWrites(refusing) => script.set_refusing_writes(refusing),
            Step::Full(full) => script.set_full(full),
            Step::Deliver(which) => {
                self.calm = calm;
                if which < script.late() {
                    script.deliver(which);
                    self.model.forget(|_| true);
                }
            }
            _ => self.heal(),
        }
    }

    /// A store that is well again has been told everything two seconds later.
    fn heal(&mut self) {
        if let Some(script) = self.tier.script() {
            script.clear_script();
            script.set_down(false);
            script.set_refusing_writes(false);
            script.set_full(false);
        }
        self.advance(2);
        self.calm = true;
        for (process, service) in self.services.iter().enumerate() {
            let unsettled = self.dropped.iter().filter(|(by, ..)| *by == process);
            let (pending, unsettled) = (service.pending(), unsettled.count() as u64);
            assert!(
                pending <= unsettled,
                "{pending} pending, {unsettled} unsettled"
            );
        }
    }

    /// Whether what is stored now stays where it is.
    fn is_quiet(&self) -> bool {
        self.calm && self.services.iter().all(|service| service.pending() == 0)
    }

    /// Whether a value may still be written that was computed long ago.
    fn is_late(&self) -> bool {
        self.tier.script().is_some_and(|script| script.late() > 0)
    }

    fn is_off(&self, process: Process, (path, _): &Place) -> bool {
        let first = path.split(':').next();
        self.off[process].iter().any(|off| Some(*off) == first)
    }

    /// When an entry ends that is stored now, unless it may be stored late.
    fn ends(&self, ttl: u64) -> Option<u64> {
        let known = self.tier.is_stepped() && self.calm;
        known.then_some(self.model.now + ttl)
    }

    /// What is there for certain, if the process can have it.
    fn must(&self, process: Process, place: &Place) -> Option<u64> {
        let must = self.model.must(place)?;
        (self.calm && !self.is_off(process, place)).then_some(must)
    }

    /// A process was told that there is nothing.
    #[track_caller]
    fn missed(&mut self, process: Process, place: &Place) {
        if let Some(must) = self.must(process, place) {
            self.tally.forgotten += 1;
            assert!(
                !self.tier.is_shared(),
                "nothing at {place:?} where {must} is"
            );
        }
        if self.is_quiet() && !self.is_late() && !self.is_off(process, place) {
            self.model.found_nothing(place);
        }
    }

    /// A process was given a value that was stored before.
    #[track_caller]
    fn hit(&mut self, process: Process, place: &Place, value: u64) {
        assert!(!self.is_off(process, place), "{place:?} is off");
        let may = self.model.may(place, process);
        assert!(may.contains(&value), "{value} at {place:?} for {may:?}");
        let must = self.must(process, place);
        assert!(
            must.is_none_or(|must| must == value),
            "{value} at {place:?} for {must:?}"
        );
        self.tally.hits += 1;
        if self.is_quiet() {
            let late = self.is_late();
            self.model.found(place, value, late);
        }
    }

    /// An invalidation returned.
    #[track_caller]
    fn invalidated<E>(&mut self, process: Process, region: &Region, answer: Result<(), E>) {
        match answer {
            Ok(()) => self.model.remove(|place| region.covers(place)),
            Err(_) => {
                assert!(!self.calm, "an invalidation failed");
                self.model.deny(|place| region.covers(place), process);
            }
        }
    }
}
