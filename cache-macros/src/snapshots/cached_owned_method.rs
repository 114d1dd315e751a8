async fn profile(&self, user_id: i64) -> Result<Option<Profile>, Error> {
    let function = ::cachewright::__private::function!(
        "profile", "", method(), arguments(1), ttl_millis(3600000),
        stale_while_revalidate_millis(600000), stale_if_error_millis(86400000),
        timeout_millis(200) => Result < Option < Profile >, Error >, Profile, Error
    );
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Returns::<Result<Option<Profile>, Error>>::new()
            .outcome(),
        |key| {
            key.argument(&user_id);
        },
        |_| {},
    );
    call.or_refresh(move || {
            let this = ::cachewright::__private::Borrowed(self).own();
            ::cachewright::__private::future_of(async move || -> Result<
                Option<Profile>,
                Error,
            > {
                let this = this.lend();
                this.database.load(user_id).await
            })
        })
        .await
}
