fn book(users: &Users, day: &str) -> Option<Day> {
    let writer = ::cachewright::__private::invalidator!(
        "book", entries(& [("day", false, & [true, true])])
    );
    let update = ::cachewright::__private::update::<
        Option<Day>,
        _,
    >(writer, ::cachewright::__private::Returns::<Option<Day>>::new().bare())
        .entry_with(
            "day",
            |call| match (users.calendar(), users.number(day)) {
                (mut receiver, argument_0) => {
                    call.begin(|call| match receiver.day(argument_0, true) {
                        answer => {
                            call.came_to(call.answered(&answer).mode(), answer).bare()
                        }
                    })
                }
            },
        );
    update.through_blocking(move || -> Option<Day> { users.book(day) })
}
