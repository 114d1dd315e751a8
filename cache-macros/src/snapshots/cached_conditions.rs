async fn quote(&self, city: &str, limit: u32) -> Result<Option<Quote>, Error> {
    let function = ::cachewright::__private::function!(
        "quote", "", method(), arguments(2), ttl_millis(3600000), none_ttl_millis(30000),
        jitter_ppm(100000) => Result < Option < Quote >, Error >, Quote, Error
    );
    let call = ::cachewright::__private::lookup::<
        Result<Option<Quote>, Error>,
        _,
    >(
            ::cachewright::__private::installed(),
            function,
            ::cachewright::__private::Returns::<Result<Option<Quote>, Error>>::new()
                .outcome(),
            |key| {
                key.bypass_if(limit == 0);
                key.argument(&city);
                key.argument(&limit);
            },
            |_| {},
        )
        .store_if(move |value| Quote::is_final(value))
        .ttl_with(move |quote| quote.lifetime(self.zone));
    call.with_absence()
        .or_compute(async move || -> Result<Option<Quote>, Error> {
            self.database.quote(city, limit).await
        })
        .await
}
