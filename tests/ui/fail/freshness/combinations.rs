use cachewright::cached;

#[cached(timeout = "200ms")]
fn nothing_may_answer(id: u64) -> u64 {
    id
}

#[cached(timeout = "200ms", stale_while_revalidate = "1h")]
fn nothing_may_answer_late(id: u64) -> u64 {
    id
}

#[cached(ttl = 60, refresh_ahead = "1m")]
fn all_the_time(id: u64) -> u64 {
    id
}

#[cached(refresh_ahead = "2m", ttl = "1m59s999ms")]
fn before_it_is_kept(id: u64) -> u64 {
    id
}

fn main() {}
