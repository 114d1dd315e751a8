fn get<'life0, 'async_trait>(
    &'life0 self,
    id: i64,
) -> ::core::pin::Pin<
    Box<
        dyn ::core::future::Future<
            Output = Option<User>,
        > + ::core::marker::Send + 'async_trait,
    >,
>
where
    'life0: 'async_trait,
    Self: 'async_trait,
{
    Box::pin(async move {
        let function = ::cachewright::__private::function!(
            "get", "", method(), arguments(1), ttl_millis(60000),
            refresh_ahead_millis(5000) => Option < User >, User
        );
        let call = ::cachewright::__private::lookup(
            ::cachewright::__private::installed(),
            function,
            ::cachewright::__private::Returns::<Option<User>>::new().outcome(),
            |key| {
                key.argument(&id);
            },
            |_| {},
        );
        call.or_refresh(move || {
                let this = ::cachewright::__private::Borrowed(self).own();
                ::cachewright::__private::future_of(async move || -> Option<User> {
                    let this = this.lend();
                    let __self = this;
                    let __ret: Option<User> = { __self.database.load(id).await };
                    __ret
                })
            })
            .await
    })
}
