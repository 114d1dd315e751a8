async fn profile(&self, user_id: i64) -> Result<Option<Profile>, Error> {
    let function = ::cachewright::__private::function!(
        "profile", "user:{user_id}", method(), arguments(1), scoped(), tags(&
        ["team:{self.team}", "user:{user_id}", "catalog"]) => Result < Option < Profile
        >, Error >, Profile, Error
    );
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Returns::<Result<Option<Profile>, Error>>::new()
            .outcome(),
        |key| {
            key.argument(&user_id);
            key.scope(&self.team);
        },
        |prefix| {
            prefix.segment(&user_id);
            prefix.segment(&self.team);
            prefix.segment(&user_id);
        },
    );
    call.or_compute(async move || -> Result<Option<Profile>, Error> {
            self.database.load(user_id).await
        })
        .await
}
