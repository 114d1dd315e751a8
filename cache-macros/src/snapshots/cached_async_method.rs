async fn profile(&self, user_id: i64) -> Result<Option<Profile>, Error> {
    let function = ::cachewright::__private::function!(
        "profile", "user:{user_id}:profile", method(), arguments(1), ttl_millis(3600000),
        none_ttl_millis(30000) => Result < Option < Profile >, Error >, Profile, Error
    );
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Returns::<Result<Option<Profile>, Error>>::new()
            .outcome(),
        |key| {
            key.argument(&user_id);
        },
        |prefix| {
            prefix.segment(&user_id);
        },
    );
    call.with_absence()
        .or_compute(async move || -> Result<Option<Profile>, Error> {
            self.database.load(user_id).await
        })
        .await
}
