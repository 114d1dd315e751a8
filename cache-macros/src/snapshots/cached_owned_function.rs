fn total(prices: &[u64], rate: &Rate, tax: u64) -> u64 {
    let function = ::cachewright::__private::function!(
        "total", "", arguments(3), refresh_ahead_ppm(100000) => u64
    );
    let call = ::cachewright::__private::lookup(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Returns::<u64>::new().outcome(),
        |key| {
            key.argument(&prices);
            key.argument(&rate);
            key.argument(&tax);
        },
        |_| {},
    );
    call.or_refresh_blocking(move || {
        let prices = ::cachewright::__private::Borrowed(prices).own();
        let rate = ::cachewright::__private::Borrowed(rate).own();
        move || -> u64 {
            #[allow(unused_variables, clippy::shadow_unrelated)]
            let prices = prices.lend();
            #[allow(unused_variables, clippy::shadow_unrelated)]
            let mut rate = rate.lend();
            rate.of(prices.iter().sum() + tax)
        }
    })
}
