/// Profiles.
#[async_trait]
unsafe impl<'a, T: Clone, const N: usize> Users for Database<'a, T, N>
where
    T: Send,
{
    const TABLE: &str = "";
    methods! {
        #[cached] fn left_alone() {}
    }
    #[cached(
        defaults(
            key_prefix = "user",
            ttl = "10m",
            scope = self.tenant_id,
            cache = self.cache,
            generics(T, N)
        )
    )]
    async fn profile(&self, id: u64) -> Option<Profile> {
        #[cached]
        fn left_alone() {}
        self.load(id).await
    }
    #[must_use]
    #[cached(
        ttl = 60,
        key_prefix = "team:{id}",
        defaults(
            key_prefix = "user",
            ttl = "10m",
            scope = self.tenant_id,
            cache = self.cache,
            generics(T, N)
        )
    )]
    pub async fn team(&self, id: u64) -> T {
        self.team_of(id).await
    }
    #[cachewright::invalidate_cache(
        "user:{id}:*",
        defaults(cache = self.cache, on = "always")
    )]
    #[cachewright::invalidate_cache(
        "team",
        cache = self.teams,
        defaults(cache = self.cache, on = "always")
    )]
    async fn rename(&self, id: u64, name: String) -> Result<(), Error> {
        self.set(id, name).await
    }
}
