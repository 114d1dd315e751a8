#[must_use]
pub(crate) async fn get(
    self: Arc<Self>,
    pair: (u64, u64),
    #[cfg(test)]
    only: u64,
    db: &Database,
) -> Option<String> {
    let function = ::cachewright::__private::function!(
        "get", "user:{self.region}:{pair.0}", method(), conditional_arguments(),
        scoped(), none_ttl_millis(30000), version(2), uncoalesced() => Option < String >
    );
    let call = ::cachewright::__private::lookup(
            &self.cache,
            function,
            ::cachewright::__private::Returns::<Option<String>>::new().outcome(),
            |key| {
                key.argument(&pair);
                #[cfg(test)] key.argument(&only);
                key.scope(&self.tenant_id);
                key.scope(&self.region);
                key.scope(&pair.0);
            },
            |prefix| {
                prefix.segment(&self.region);
                prefix.segment(&pair.0);
            },
        )
        .ttl(|| self.ttl);
    call.with_absence()
        .or_compute(async move || -> Option<String> { db.get(pair).await })
        .await
}
