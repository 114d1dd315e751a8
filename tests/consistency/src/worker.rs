//! One of the processes under test.

mod client;
mod notes;
mod service;
mod transaction;

use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Duration;

use cachewright::Cache;
use cachewright::redis::RedisStore;
use fastrand::Rng;
use tokio::sync::{RwLock, mpsc};

use client::Client;
use notes::Notes;
use service::Service;

use crate::database::Database;
use crate::keys::{Family, Key};
use crate::plan::{Deed, Order, Verb, WorkerPlan};
use crate::record::Journal;

/// How often the process looks whether its invalidations have been acknowledged.
const LOOK: Duration = Duration::from_millis(5);

/// After which something is abandoned: it has been asked for by then, if not answered.
const MOMENT: Duration = Duration::from_millis(50);

/// Does what the plan in the first line of input says, until told to finish, or until the input ends.
pub fn run() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let plan = lines.next().transpose()?.unwrap_or_default();
    let plan: WorkerPlan = serde_json::from_str(&plan)?;
    drop(lines);
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            let told = Order::parse(&line).map(Told::Order);
            let told = told.or_else(|| Deed::parse(&line).map(Told::Deed));
            let _ = told.map(|told| sender.send(told));
        }
        // Whoever gave the orders has gone.
        std::process::exit(1);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(Worker::new(&plan)?.work(orders));
    // What hangs in a blocking thread must not keep the process.
    std::process::exit(0);
}

/// What the process is told.
enum Told {
    Order(Order),
    Deed(Deed),
}

struct Worker {
    service: Arc<Service>,
    /// Held for reading by each task while it does something.
    at_work: Arc<RwLock<()>>,
    seed: u64,
}

impl Worker {
    fn new(plan: &WorkerPlan) -> io::Result<Self> {
        let cache = build(plan).map_err(io::Error::other)?;
        let service = Service {
            cache,
            database: Database::new(&plan.database, plan.number),
            notes: Notes::new(Journal::create(&plan.journal)?),
            workload: plan.workload.clone(),
            is_new: plan.number % 2 == 1,
        };
        Ok(Self {
            service: Arc::new(service),
            at_work: Arc::default(),
            seed: plan.seed,
        })
    }

    async fn work(self, mut told: mpsc::UnboundedReceiver<Told>) {
        let service = Arc::clone(&self.service);
        tokio::spawn(async move {
            loop {
                service.notes.look(&service.cache);
                tokio::time::sleep(LOOK).await;
            }
        });
        for task in 1..=self.service.workload.tasks {
            tokio::spawn(self.client(task).go_on(Arc::clone(&self.at_work)));
        }
        println!("ready");
        let mut pause = None;
        while let Some(told) = told.recv().await {
            let order = match told {
                Told::Order(order) => order,
                Told::Deed(deed) => {
                    tokio::spawn(self.client(0).carry_out(deed));
                    continue;
                }
            };
            match order {
                Order::Pause => pause = Some(self.at_work.write().await),
                Order::Drain => self.drain().await,
                Order::Sweep => self.sweep().await,
                Order::Resume => pause = None,
                Order::Finish => {
                    if pause.is_none() {
                        pause = Some(self.at_work.write().await);
                    }
                    self.finish().await;
                }
            }
            println!("{}", order.answer());
            if order == Order::Finish {
                return;
            }
        }
    }

    fn client(&self, task: u16) -> Client {
        Client {
            service: Arc::clone(&self.service),
            task,
            rng: Rng::with_seed(self.seed ^ u64::from(task) << 48),
            dropped: self.service.workload.dropped,
            abandons_after: None,
        }
    }

    /// Waits until every invalidation has been done, and noted as such.
    async fn drain(&self) {
        while self.service.cache.stats().pending_invalidations > 0 {
            tokio::time::sleep(LOOK).await;
        }
        self.service.notes.look(&self.service.cache);
    }

    /// Reads everything.
    async fn sweep(&self) {
        let mut client = self.client(0);
        client.dropped = 0;
        for family in Family::ALL {
            for id in 0..self.service.workload.ids {
                client.read(Key::new(family, id)).await;
            }
        }
        self.service.notes.look(&self.service.cache);
    }

    /// Ends as a service does that is told to: with invalidations pending, perhaps.
    async fn finish(&self) {
        self.service.notes.close();
        while let Err(error) = self.service.cache.shutdown(Duration::from_secs(5)).await {
            eprintln!("shutting down: {error}");
        }
        self.service.notes.look(&self.service.cache);
    }
}

impl Client {
    async fn carry_out(mut self, deed: Deed) {
        self.dropped = 0;
        match deed.verb {
            Verb::Read => self.read(deed.key).await,
            Verb::Write => self.write_user(deed.key.id).await,
            Verb::Abandon => {
                self.abandons_after = Some(MOMENT);
                self.write_user(deed.key.id).await;
            }
        }
        println!("{}", deed.answer());
    }

    async fn go_on(mut self, at_work: Arc<RwLock<()>>) {
        loop {
            let _working = at_work.read().await;
            self.step().await;
        }
    }
}

fn build(plan: &WorkerPlan) -> Result<Cache, cachewright::Error> {
    let settings = &plan.cache;
    let builder = Cache::builder()
        .namespace("checked")
        .default_ttl(settings.ttl)
        .settle(settings.settle)
        .patience(settings.patience)
        .store_timeout(settings.store_timeout);
    match &plan.url {
        Some(url) => builder.store(RedisStore::new(url)?).build(),
        None => builder.build(),
    }
}
