fn get(ids: Vec<u64>, filter: Filter) -> usize {
    let function = ::cachewright::__private::function!(
        "get", "{filter.city}:{filter.sort}", chosen_key(2) => usize
    );
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Returns::<usize>::new().outcome(),
        |key| {
            key.argument(&(ids.len() + 1));
            key.argument(&filter.city);
            key.scope(&filter.sort);
        },
        |prefix| {
            prefix.segment(&filter.city);
            prefix.segment(&filter.sort);
        },
    );
    call.or_compute_blocking(move || -> usize { filter.count(ids) })
}
