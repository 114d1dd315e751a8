//! Reading through the cache: read, mint, body, fill.

use cache_core::fence::{Fence, Generation, Observed};
use cache_core::store::Store;

use crate::command::Command;
use crate::ready::ready;
use crate::world::{Mutant, TTL, World, deadline};

#[derive(Default)]
pub(crate) struct Reader {
    state: State,
    /// The oldest version allowed when the read began.
    floor: u64,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Read,
    Mint(Observed),
    /// Only in [`Mutant::ResentNonce`]: what was sent before.
    Resend(Observed, Command),
    Body(Option<Fence>),
    Fill(u64, Option<Fence>),
}

impl Reader {
    pub(crate) fn step(&mut self, world: &mut World) {
        self.state = match std::mem::take(&mut self.state) {
            State::Idle => {
                self.floor = world.floor;
                State::Read
            }
            State::Read => self.read(world),
            State::Mint(observed) => mint(world, observed),
            State::Resend(observed, command) => send(world, observed, command),
            State::Body(fence) => State::Fill(world.committed, fence),
            State::Fill(version, fence) => {
                fill(world, version, fence);
                world.answered(version, self.floor);
                State::Idle
            }
        };
    }

    fn read(&mut self, world: &mut World) -> State {
        let Ok(reply) = ready(world.store.read(world.keys.read(), deadline())) else {
            return State::Body(None);
        };
        let (value, observed) = receive(world, reply);
        if let Some(version) = value.and_then(|bytes| world.proven(&bytes, &observed)) {
            world.report.hits += 1;
            world.answered(version, self.floor);
            return State::Idle;
        }
        observed
            .complete()
            .map_or_else(State::Mint, |fence| State::Body(Some(fence)))
    }
}

/// What a reply shows.
pub(crate) fn receive(
    world: &World,
    mut reply: Vec<Option<Vec<u8>>>,
) -> (Option<Vec<u8>>, Observed) {
    if world.is(Mutant::MissingIsZero) {
        for generation in &mut reply[1..] {
            generation.get_or_insert_with(|| vec![0xff; Generation::LEN]);
        }
    }
    world.keys.receive(reply).unwrap()
}

/// Asks for what is missing. Without an answer there is no fence.
fn mint(world: &World, observed: Observed) -> State {
    let mints = world.keys.mints(&observed).unwrap();
    if [Mutant::Counter, Mutant::ResentNonce, Mutant::AssumedMint]
        .into_iter()
        .any(|m| world.is(m))
    {
        let offered = mints.into_iter().map(|mint| {
            let nonce = if world.is(Mutant::Counter) {
                count(1)
            } else {
                mint.nonce.to_bytes()
            };
            (mint.key, nonce)
        });
        return send(world, observed, Command::Mint(offered.collect()));
    }
    match ready(world.store.mint(mints, TTL, deadline())) {
        Ok(shown) => State::Body(observed.with_minted(&shown).complete().ok()),
        Err(_) => State::Body(None),
    }
}

/// A mint of the mutants, which know their nonces.
fn send(world: &World, observed: Observed, command: Command) -> State {
    match command.clone().run(&world.store) {
        Ok(shown) => {
            let shown = shown
                .iter()
                .map(|bytes| Generation::from_bytes(bytes.as_ref()?));
            State::Body(
                observed
                    .with_minted(&shown.collect::<Vec<_>>())
                    .complete()
                    .ok(),
            )
        }
        Err(_) if world.is(Mutant::ResentNonce) => State::Resend(observed, command),
        Err(_) if world.is(Mutant::AssumedMint) => {
            let Command::Mint(offered) = command else {
                unreachable!("it is a mint")
            };
            let assumed = offered
                .iter()
                .map(|(_, nonce)| Generation::from_bytes(nonce));
            State::Body(
                observed
                    .with_minted(&assumed.collect::<Vec<_>>())
                    .complete()
                    .ok(),
            )
        }
        _ => State::Body(None),
    }
}

/// The generation of [`Mutant::Counter`].
pub(crate) fn count(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

/// Stores the result, if there is a fence; whether that succeeds is nobody's concern.
fn fill(world: &World, version: u64, fence: Option<Fence>) {
    let fence = if world.is(Mutant::LateFence) {
        now(world).or(fence)
    } else {
        fence
    };
    if let Some(fence) = fence {
        let entry = world.entry(version, &fence);
        let _ = ready(
            world
                .store
                .write(world.keys.value(), entry, TTL, deadline()),
        );
    }
}

fn now(world: &World) -> Option<Fence> {
    let reply = ready(world.store.read(world.keys.read(), deadline())).ok()?;
    world.keys.receive(reply).ok()?.1.complete().ok()
}
