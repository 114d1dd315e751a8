//! Default tags are those of every function that has none of its own, and no writer takes them over.
use cachewright::{cache_defaults, cached, invalidate_cache};

struct Users {
    team: u64,
}

#[cache_defaults(tags("team:{team_id}"))]
impl Users {
    #[cached]
    fn profile(&self, team_id: u64) -> u64 {
        team_id
    }

    #[cached]
    fn team(&self, team: u64) -> u64 {
        team + self.team
    }

    #[cached(tags("users"))]
    fn all(&self) -> u64 {
        3
    }
}

#[cache_defaults(tags("team:{self.team}"))]
impl Users {
    #[cached]
    fn load(id: u64) -> u64 {
        id
    }
}

#[cache_defaults(tags("team:{self}"))]
impl Users {
    #[cached]
    fn store(&self) -> u64 {
        3
    }
}

#[cache_defaults(tags("teams"))]
impl Users {
    #[invalidate_cache("users")]
    fn forget(&self) {}
}

fn main() {
    let users = Users { team: 1 };
    users.forget();
    Users::load(users.profile(users.team(users.all() + users.store())));
}
