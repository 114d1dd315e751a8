use cachewright::cached;

struct Users {
    count: u64,
}

#[derive(serde::Serialize)]
struct Filter(u64);

impl Users {
    #[cached(refresh_ahead = 0.1)]
    async fn filtered(&self, filter: &Filter) -> u64 {
        self.count + filter.0
    }

    #[cached(refresh_ahead = 0.1)]
    fn blocking(&self, id: u64) -> u64 {
        self.count + id
    }
}

trait Named {
    fn name(&self) -> String;

    #[cached(refresh_ahead = 0.1)]
    fn by_default(&self, id: u64) -> String {
        format!("{} {id}", self.name())
    }
}

#[cached(refresh_ahead = 0.1)]
async fn generic<T: serde::Serialize + ToString>(value: &T) -> String {
    value.to_string()
}

fn main() {}
