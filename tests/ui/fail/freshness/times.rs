use cachewright::cached;

#[cached(stale_while_revalidate = 0, stale_if_error = "0s")]
fn zero(id: u64) -> u64 {
    id
}

#[cached(stale_if_error = -5, refresh_ahead = -0.1)]
fn negative(id: u64) -> u64 {
    id
}

#[cached(stale_while_revalidate = "31d", stale_if_error = 99999999999999999999)]
fn too_long(id: u64) -> u64 {
    id
}

#[cached(refresh_ahead = 1.0)]
fn whole(id: u64) -> u64 {
    id
}

#[cached(stale_if_error = 60 * 5, stale_while_revalidate = minutes(5))]
fn expression(id: u64) -> u64 {
    id
}

#[cached(stale_if_error = 0.5, refresh_ahead = "10%")]
fn forms(id: u64) -> u64 {
    id
}

#[cached(stale_while_revalidate, refresh_ahead = )]
fn unfinished(id: u64) -> u64 {
    id
}

#[cached(swr = 5, stale_if_eror = 5)]
fn misspelled(id: u64) -> u64 {
    id
}

fn main() {}
