//! How an expansion writes a descriptor: as a `static` that the registry knows.

/// The descriptor of a cached function.
///
/// What follows `=>` is its return type, and behind it the names in it that may be parameters of a
/// surrounding `impl`, which a `static` can't name. What the module has under such a name is
/// imported into the inner block and so is found first; where the module has nothing, the name
/// stands for [`Unseen`](crate::private::Unseen). `each in` before the type says that what is kept are the
/// values in it.
#[doc(hidden)]
#[macro_export]
macro_rules! __function {
    ($name:literal, $key_prefix:literal $(, $setter:ident($($value:tt)*))*) => {
        $crate::__registered! {
            FUNCTION: Function in CACHEWRIGHT_FUNCTIONS_0_1 =
                $crate::__descriptor!(Function, $name, $key_prefix) $(.$setter($($value)*))*
        }
    };
    (
        $name:literal, $key_prefix:literal $(, $setter:ident($($value:tt)*))*
        => each in $returned:ty $(, $unsure:ident $(<$($parameter:ident),+>)?)*
    ) => {
        $crate::__returning! {
            $crate::private::values_of::<$returned>(),
            $crate::__descriptor!(Function, $name, $key_prefix) $(.$setter($($value)*))*
            $(, $unsure $(<$($parameter),+>)?)*
        }
    };
    (
        $name:literal, $key_prefix:literal $(, $setter:ident($($value:tt)*))*
        => $returned:ty $(, $unsure:ident $(<$($parameter:ident),+>)?)*
    ) => {
        $crate::__returning! {
            $crate::private::value_of::<$returned, _>(
                $crate::private::Returns::<$returned>::new().outcome(),
            ),
            $crate::__descriptor!(Function, $name, $key_prefix) $(.$setter($($value)*))*
            $(, $unsure $(<$($parameter),+>)?)*
        }
    };
}

/// The descriptor of a cached function, with the names in its return type that may be parameters.
#[doc(hidden)]
#[macro_export]
macro_rules! __returning {
    (
        $returned:expr, $descriptor:expr
        $(, $unsure:ident $(<$($parameter:ident),+>)?)*
    ) => {
        $crate::__registered! {
            FUNCTION: Function in CACHEWRIGHT_FUNCTIONS_0_1 = {
                $(type $unsure $(<$($parameter: ?::core::marker::Sized),+>)? =
                    $crate::private::Unseen
                        $(<($(::core::marker::PhantomData<$parameter>,)+)>)?;)*
                {
                    use self::*;
                    $descriptor.returns(|| $returned.value_type())
                }
            }
        }
    };
}

/// The descriptor of a function that invalidates: its name, its patterns, and the cached functions
/// whose entries it names by a call.
#[doc(hidden)]
#[macro_export]
macro_rules! __invalidator {
    ($name:literal $(, $setter:ident($($value:tt)*))*) => {
        $crate::__registered! {
            INVALIDATOR: Invalidator in CACHEWRIGHT_INVALIDATORS_0_1 =
                $crate::__descriptor!(Invalidator, $name) $(.$setter($($value)*))*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __registered {
    ($name:ident: $kind:ident in $slice:ident = $descriptor:expr) => {{
        #[$crate::private::linkme::distributed_slice($crate::private::$slice)]
        #[linkme(crate = $crate::private::linkme)]
        static $name: $crate::private::$kind = $descriptor;
        &$name
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __descriptor {
    ($kind:ident, $($name:literal),+) => {
        $crate::private::$kind::new(
            $($name,)+
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
        )
    };
}
