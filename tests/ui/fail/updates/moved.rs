use cachewright::{cached, update_cache};

struct Token(u64);

impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cached]
async fn get(token: Token) -> u64 {
    token.0
}

// The call would take it away from the body.
#[update_cache(entry = get(token))]
async fn renew(token: Token) -> u64 {
    token.0
}

#[update_cache(entry = get(Token(number)))]
async fn renew_by_number(number: u64) -> u64 {
    number
}

fn main() {
    let _ = (renew(Token(1)), renew_by_number(1));
}
