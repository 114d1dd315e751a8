//! What fills a tag is an argument or a field, and one scalar, as in a key prefix.
use cachewright::{cached, invalidate_cache};

#[cached(tags("team:{tem_id}", "user:{self.id}"))]
fn unknown(team_id: u64) -> u64 {
    team_id
}

#[cached(tags("all:{ids}"))]
fn several(ids: Vec<u64>) -> u64 {
    ids.len() as u64
}

#[cached(tags("team:{team_id}"), skip(team_id))]
fn skipped(user_id: u64, team_id: u64) -> u64 {
    user_id + team_id
}

#[invalidate_cache(tags("team:{team}"))]
fn unknown_of_a_writer(team_id: u64) {
    let _ = team_id;
}

fn main() {}
