async fn create(&self, user_id: i64, booking: NewBooking) -> Result<Booking, Error> {
    let writer = ::cachewright::__private::invalidator!(
        "create", patterns(& ["booking:*", "user:{user_id}:*"])
    );
    let invalidation = ::cachewright::__private::invalidation(
            ::cachewright::__private::installed(),
            writer,
        )
        .pattern("booking:*", |_| {})
        .pattern(
            "user:{user_id}:*",
            |prefix| {
                prefix.segment(&user_id);
            },
        );
    invalidation
        .after(
            ::cachewright::__private::Returns::<Result<Booking, Error>>::new().bare(),
            async move || -> Result<Booking, Error> {
                self.database.insert(user_id, booking).await
            },
        )
        .await
}
