use cachewright::cached;

struct Tenant;

struct Service {
    tenant: Tenant,
}

impl Service {
    #[cached(scope = self.tenant)]
    fn scope(&self, id: u64) -> u64 {
        id
    }

    #[cached(key_prefix = "{self.tenant}:{id}")]
    fn placeholder(&self, id: u64) -> u64 {
        id
    }

    #[cached(key(self.tenant, id))]
    fn key(&self, id: u64) -> u64 {
        id
    }

    #[cached(scope = self.region)]
    fn no_field(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    let service = Service { tenant: Tenant };
    service.scope(service.placeholder(service.key(service.no_field(1))));
}
