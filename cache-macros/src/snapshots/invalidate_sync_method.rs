fn drop_all(&mut self, n: usize) -> impl Iterator<Item = u64> {
    let writer = ::cachewright::__private::invalidator!(
        "drop_all", patterns(& ["booking"])
    );
    let invalidation = ::cachewright::__private::invalidation(&cache_of(self), writer)
        .pattern("booking", |_| {})
        .always();
    invalidation
        .after_blocking(
            ::cachewright::__private::Value,
            move || -> _ { self.entries.drain(..n) },
        )
}
