async fn rename(&self, team: Team) -> Result<(), Error> {
    let writer = ::cachewright::__private::invalidator!(
        "rename", patterns(& ["team:{team.id}:*"]), tags(& ["team:{team.id}", "catalog"])
    );
    let invalidation = ::cachewright::__private::invalidation(
            ::cachewright::__private::installed(),
            writer,
        )
        .pattern(
            "team:{team.id}:*",
            |prefix| {
                prefix.segment(&team.id);
            },
        )
        .tag(
            "team:{team.id}",
            |prefix| {
                prefix.segment(&team.id);
            },
        )
        .tag("catalog", |_| {});
    invalidation
        .after(
            ::cachewright::__private::Returns::<Result<(), Error>>::new().bare(),
            async move || -> Result<(), Error> { self.database.rename(team).await },
        )
        .await
}
