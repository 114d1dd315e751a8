use cachewright::cached;

struct Users {
    region: String,
}

impl Users {
    #[cached(ttl = 300, key_prefix = "user:{id}")]
    fn body(&self, id: u64) -> u64 {
        self.
    }
}

fn main() {
    let users = Users {
        region: String::new(),
    };
    let sum: u64 = users.body(1);
    assert_eq!(sum, 6);
}
