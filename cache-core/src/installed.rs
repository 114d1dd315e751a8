//! The cache of annotated functions that name none.

use std::panic::Location;
use std::sync::OnceLock;

use crate::cache::Cache;
use crate::error::{Error, LOG};

static INSTALLED: OnceLock<Installed> = OnceLock::new();

struct Installed {
    cache: Cache,
    /// Where the implicit cache was first used, if it is that.
    implicit: Option<&'static Location<'static>>,
}

impl Cache {
    /// Makes this the cache of every annotated function that names none with `cache = …`, for the
    /// rest of the process' life. Do it first thing in `main`.
    ///
    /// A program that installs none gets an in-memory cache with the default settings at its
    /// first use. Tests that run in parallel better give their services a cache each, or install one
    /// for themselves with `testing::install_for_test`.
    ///
    /// # Errors
    ///
    /// A [configuration error](Error::is_configuration) if one is installed already, or if the
    /// implicit one was used before; it names the place of that first use.
    ///
    /// # Example
    ///
    /// ```
    /// # use cache_core as cachewright;
    /// use cachewright::{Cache, installed};
    ///
    /// Cache::builder().namespace("shop").build()?.install()?;
    /// assert_eq!(installed().namespace(), Some("shop"));
    /// assert!(Cache::builder().build()?.install().unwrap_err().is_configuration());
    /// # Ok::<(), cache_core::Error>(())
    /// ```
    pub fn install(self) -> Result<(), Error> {
        let mut refused = true;
        let installed = INSTALLED.get_or_init(|| {
            refused = false;
            Installed {
                cache: self,
                implicit: None,
            }
        });
        match installed.implicit {
            _ if !refused => Ok(()),
            None => Err(Error::configuration("a cache is installed already")),
            Some(place) => Err(Error::configuration(format!(
                "a cache was used before this one was installed: at {place} the implicit in-memory \
                 cache was made; install yours before"
            ))),
        }
    }
}

/// The cache that was installed with [`Cache::install`], or else an in-memory cache with the
/// default settings, made now and kept from now on (which is logged once).
#[track_caller]
#[inline]
pub fn installed() -> &'static Cache {
    #[cfg(feature = "testing")]
    if let Some(cache) = crate::testing::for_test() {
        return cache;
    }
    match INSTALLED.get() {
        Some(installed) => &installed.cache,
        None => implicit(Location::caller()),
    }
}

#[cold]
fn implicit(place: &'static Location<'static>) -> &'static Cache {
    let mut made = false;
    let installed = INSTALLED.get_or_init(|| {
        made = true;
        let cache = Cache::builder().build();
        Installed {
            cache: cache.expect("the default settings are valid"),
            implicit: Some(place),
        }
    });
    if made {
        // Not inside of the initialization: a subscriber may use a cached function itself.
        tracing::info!(target: LOG, %place, "no cache was installed before this use: made one in memory");
    }
    &installed.cache
}
