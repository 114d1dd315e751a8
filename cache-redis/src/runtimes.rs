//! The links of the runtimes that a store is called from.

use std::net::{Ipv4Addr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use crate::link::Link;

/// By the runtime's id. An id may be given again when its runtime is gone: the link knows by itself
/// whether its connection still lives, and makes another one on the runtime that asks.
#[derive(Default)]
pub(crate) struct Runtimes(RwLock<Vec<(Id, Option<Arc<Link>>)>>);

impl Runtimes {
    /// The link of the runtime that this is called on; none if it can't have one.
    pub(crate) fn link(
        &self,
        runtime: &Handle,
        new: impl FnOnce() -> Arc<Link>,
    ) -> Option<Arc<Link>> {
        let id = runtime.id();
        let find = |links: &[(Id, Option<Arc<Link>>)]| {
            let link = links.iter().find(|(of, _)| *of == id);
            link.map(|(_, link)| link.clone())
        };
        let known = find(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if let Some(link) = known {
            return link;
        }
        let link = is_usable().then(new);
        let mut links = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = find(&links) {
            return link;
        }
        // Runtimes come and go; what they leave goes when another one comes. A link that merely
        // pauses loses the memory of that, and nothing else.
        links.retain(|(_, link)| link.as_ref().is_some_and(|link| !link.is_idle()));
        links.push((id, link.clone()));
        link
    }
}

/// Whether the current runtime has timers and I/O, both of which may be left out when it is built.
/// There is no other way to find out than to try, and to be answered by a panic.
fn is_usable() -> bool {
    let tried = catch_unwind(AssertUnwindSafe(|| {
        drop(tokio::time::sleep(Duration::ZERO));
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            && socket.set_nonblocking(true).is_ok()
        {
            drop(tokio::net::UdpSocket::from_std(socket));
        }
    }));
    tried.is_ok()
}
