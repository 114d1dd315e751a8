fn total(prices: &[u64]) -> u64 {
    let function = ::cachewright::__private::function!("total", "", arguments(1) => u64);
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Returns::<u64>::new().outcome(),
        |key| {
            key.argument(&prices);
        },
        |_| {},
    );
    call.or_compute_blocking(move || -> u64 { prices.iter().sum() })
}
