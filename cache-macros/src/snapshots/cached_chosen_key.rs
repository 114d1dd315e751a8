fn get(ids: Vec<u64>, filter: Filter) -> usize {
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        {
            static FUNCTION: ::cachewright::__private::Function = ::cachewright::__private::Function::new(
                "get",
                "{filter.city}:{filter.sort}",
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
            );
            &FUNCTION
        },
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
