async fn rename(&self, id: i64, name: String) -> Result<(), Error> {
    let writer = ::cachewright::__private::invalidator!(
        "rename", entries(& [("profile", false, & [true]), ("by_name", false, & [true,
        true])])
    );
    let invalidation = ::cachewright::__private::invalidation(
            ::cachewright::__private::installed(),
            writer,
        )
        .call("profile", |(argument_0, ())| _ = self.users.profile(argument_0))
        .place(&id)
        .named()
        .call(
            "by_name",
            |(argument_0, (argument_1, ()))| {
                _ = self.users.by_name(argument_0, argument_1);
            },
        )
        .value(&name)
        .value(7)
        .named();
    invalidation
        .after(
            ::cachewright::__private::Returns::<Result<(), Error>>::new().bare(),
            async move || -> Result<(), Error> { self.database.rename(id, name).await },
        )
        .await
}
