fn total(prices: &[u64]) -> u64 {
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        {
            static FUNCTION: ::cachewright::__private::Function = ::cachewright::__private::Function::new(
                "total",
                "",
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
            );
            &FUNCTION
        },
        ::cachewright::__private::Returns::<u64>::new().outcome(),
        |key| {
            key.argument(&prices);
        },
        |_| {},
    );
    call.or_compute_blocking(move || -> u64 { prices.iter().sum() })
}
