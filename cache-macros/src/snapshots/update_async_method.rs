async fn rename(&self, user_id: i64, name: String) -> Result<Profile, Error> {
    let writer = ::cachewright::__private::invalidator!(
        "rename", entries(& [("get_profile", false, & [true])])
    );
    let update = ::cachewright::__private::update::<
        Result<Profile, Error>,
        _,
    >(writer, ::cachewright::__private::Returns::<Result<Profile, Error>>::new().bare())
        .entry(
            "get_profile",
            |call| match self.get_profile(::core::clone::Clone::clone(&user_id)) {
                answer => call.came_to(call.answered(&answer).mode(), answer).bare(),
            },
        );
    update
        .through(async move || -> Result<Profile, Error> {
            self.database.rename(user_id, name).await
        })
        .await
}
