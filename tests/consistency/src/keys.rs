//! What is read, what is invalidated, and which covers which: written down naively, sharing no code with what is checked.

use std::fmt;

/// The ways in which a register of the database is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// `#[cached(key_prefix = "user:{id}:profile", tags("of:{id}", "people"))]`
    Profile = 1,
    /// `#[cached(key_prefix = "user:{id}", tags("page:{page}"))]`, with a page as a further argument.
    Order = 2,
    /// A synchronous function under `user:{id}:rating`.
    Rating = 3,
    /// `user:{id}:title`, an `Option` that is `None` while the version is even, and kept. `tags("people")`
    Title = 4,
    /// `#[cached(key_prefix = "booking:stats")]`, the id being an argument and in the tag `of:{id}` alone. Every other process has version 2 of it.
    Listing = 5,
    /// `tier = "memory"` under `local:{id}`, with `tags("of:{id}")`.
    Local = 6,
    /// `get_or_set("item:{id}:price")`
    Price = 7,
    /// `set("cart:{id}")`: the cache itself is where the value lives.
    Cart = 8,
    /// `batch = ids` under `user:{ids}:badge`, read for several ids at once.
    Badge = 9,
}

impl Family {
    pub const ALL: [Self; 9] = [
        Self::Profile,
        Self::Order,
        Self::Rating,
        Self::Title,
        Self::Listing,
        Self::Local,
        Self::Price,
        Self::Cart,
        Self::Badge,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|family| *family as u8 == number)
    }

    fn is_of_a_user(self) -> bool {
        matches!(
            self,
            Self::Profile | Self::Order | Self::Rating | Self::Title | Self::Badge
        )
    }
}

/// One cached value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub family: Family,
    pub id: u16,
    /// Of an [`Order`](Family::Order); zero elsewhere.
    pub page: u8,
}

impl Key {
    pub fn new(family: Family, id: u16) -> Self {
        Self {
            family,
            id,
            page: 0,
        }
    }

    /// The register of the database that it is loaded from. A cart has one of its own, so that each of its versions was set once.
    pub fn register(self) -> Register {
        match self.family {
            Family::Cart => Register(u32::from(self.id) | 1 << 16),
            _ => Register(self.id.into()),
        }
    }

    pub fn pack(self) -> u32 {
        u32::from(self.family as u8) << 24 | u32::from(self.id) << 8 | u32::from(self.page)
    }

    /// `None` for what is no key.
    pub fn unpack(packed: u32) -> Option<Self> {
        let [family, high, low, page] = packed.to_be_bytes();
        Some(Self {
            family: Family::of(family)?,
            id: u16::from_be_bytes([high, low]),
            page,
        })
    }

    /// Every scope that covers it.
    pub fn covered_by(self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Everything, Scope::Entry(self)];
        if self.family.is_of_a_user() {
            scopes.extend([Scope::Users, Scope::User(self.id)]);
        }
        if matches!(
            self.family,
            Family::Profile | Family::Listing | Family::Local
        ) {
            scopes.push(Scope::TaggedOf(self.id));
        }
        match self.family {
            Family::Profile => scopes.extend([Scope::Profiles, Scope::TaggedPeople]),
            Family::Title => scopes.push(Scope::TaggedPeople),
            Family::Order => scopes.push(Scope::TaggedPage(self.page)),
            Family::Listing => scopes.extend([Scope::Bookings, Scope::Listings]),
            Family::Local => scopes.extend([Scope::Locals, Scope::Local(self.id)]),
            Family::Price => scopes.extend([Scope::Items, Scope::Item(self.id)]),
            Family::Cart => scopes.push(Scope::Carts),
            _ => {}
        }
        scopes
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.family, self.id)?;
        if self.family == Family::Order {
            write!(f, " page {}", self.page)?;
        }
        Ok(())
    }
}

/// A versioned value of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Register(pub u32);

/// What an invalidation says that it covers. (It may cover more.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `clear()`
    Everything,
    /// `user:*`
    Users,
    /// `user:{id}:*`
    User(u16),
    /// `user:*:profile`, which is widened.
    Profiles,
    /// `booking:*`
    Bookings,
    /// `booking:stats:listing`, a function.
    Listings,
    /// `local:*`
    Locals,
    /// `local:{id}`
    Local(u16),
    /// `item:*`
    Items,
    /// `item:{id}:*`
    Item(u16),
    /// `cart:*`
    Carts,
    /// The tag `of:{id}`.
    TaggedOf(u16),
    /// The tag `people`.
    TaggedPeople,
    /// The tag `page:{page}`.
    TaggedPage(u8),
    /// Exactly one entry: of a function, by its arguments; of a plain key, by `remove`, or `set` of another value.
    Entry(Key),
}

impl Scope {
    pub fn pack(self) -> u64 {
        let (kind, what): (u64, u32) = match self {
            Self::Everything => (1, 0),
            Self::Users => (2, 0),
            Self::User(id) => (3, id.into()),
            Self::Profiles => (4, 0),
            Self::Bookings => (5, 0),
            Self::Listings => (6, 0),
            Self::Locals => (7, 0),
            Self::Local(id) => (8, id.into()),
            Self::Items => (9, 0),
            Self::Item(id) => (10, id.into()),
            Self::Carts => (11, 0),
            Self::Entry(key) => (12, key.pack()),
            Self::TaggedOf(id) => (13, id.into()),
            Self::TaggedPeople => (14, 0),
            Self::TaggedPage(page) => (15, page.into()),
        };
        kind << 32 | u64::from(what)
    }

    /// `None` for what is no scope.
    pub fn unpack(packed: u64) -> Option<Self> {
        let what = packed as u32;
        let id = what as u16;
        Some(match packed >> 32 {
            1 => Self::Everything,
            2 => Self::Users,
            3 => Self::User(id),
            4 => Self::Profiles,
            5 => Self::Bookings,
            6 => Self::Listings,
            7 => Self::Locals,
            8 => Self::Local(id),
            9 => Self::Items,
            10 => Self::Item(id),
            11 => Self::Carts,
            12 => Self::Entry(Key::unpack(what)?),
            13 => Self::TaggedOf(id),
            14 => Self::TaggedPeople,
            15 => Self::TaggedPage(what as u8),
            _ => return None,
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(key) => write!(f, "exactly {key}"),
            other => write!(f, "{other:?}"),
        }
    }
}
