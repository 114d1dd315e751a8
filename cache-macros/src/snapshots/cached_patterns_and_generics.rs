fn get<'a, T: Serialize>(
    argument_0: (u64, u64),
    argument_1: Point,
    argument_2: u64,
    argument_3: &u64,
    mut n: u64,
    value: &'a T,
) -> Result<T, Error>
where
    T: Clone,
{
    #![allow(unused_mut)]
    let function = ::cachewright::__private::function!(
        "get", "", arguments(6), memory_only()
    );
    let call = ::cachewright::__private::lookup_local(
        ::cachewright::__private::installed(),
        function,
        ::cachewright::__private::Fits::<
            Result<T, Error>,
        >::fitting(::cachewright::__private::ResultOf),
        |key| {
            key.argument(&argument_0);
            key.argument(&argument_1);
            key.argument(&argument_2);
            key.argument(&argument_3);
            key.argument(&n);
            key.argument(&value);
        },
        |_| {},
    );
    call.or_compute_blocking(move || -> Result<T, Error> {
        let (a, mut b) = argument_0;
        let Point { x, .. } = argument_1;
        let &id = argument_3;
        n += a + b;
        Ok(value.clone())
    })
}
