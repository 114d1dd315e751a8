fn book(users: &Users, day: u32) {
    let writer = ::cachewright::__private::invalidator!(
        "book", entries(& [("of_day", true, & [false, true])])
    );
    let invalidation = ::cachewright::__private::invalidation(
            ::cachewright::__private::installed(),
            writer,
        )
        .call_of(
            "of_day",
            reports::of_day::<u8>,
            |function, (argument_0, (argument_1, ()))| {
                _ = function(argument_0, argument_1);
            },
        )
        .skipped()
        .place(&day)
        .named();
    invalidation
        .after_blocking(
            ::cachewright::__private::Returns::<()>::new().bare(),
            move || -> () { users.book(day) },
        )
}
