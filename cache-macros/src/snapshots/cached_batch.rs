async fn users(
    &self,
    db: &Database,
    ids: Vec<i64>,
) -> Result<HashMap<i64, User>, Error> {
    let function = ::cachewright::__private::function!(
        "users", "user:{ids}", method(), some_arguments(2, & [1]), batch(1),
        ttl_millis(300000) => each in Result < HashMap < i64, User >, Error >, HashMap <
        A0, A1 >, User, Error
    );
    let call = ::cachewright::__private::lookup_batch(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::BatchReturns::<
            Result<HashMap<i64, User>, Error>,
        >::new()
            .outcome(),
        &ids,
        |key, element| {
            key.argument(element);
        },
        |prefix, element| {
            prefix.segment(&element);
        },
    );
    call.or_compute(async |missing| -> Result<HashMap<i64, User>, Error> {
            let ids = missing.of(&ids);
            let mut ids = ids.argument();
            ids.sort();
            db.load(&ids).await
        })
        .await
}
