use cachewright::__private::Schema;

/// A type before and after a deploy.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) old: fn() -> &'static Schema,
    pub(super) new: fn() -> &'static Schema,
}

/// Cases, each with its old and its new definition of `Value`. In modules of one name each, and in no
/// other place: neither a module nor a line is part of a shape.
macro_rules! cases {
    ($($name:ident { $($old:item)* } => { $($new:item)* })*) => {
        $(#[allow(dead_code, private_interfaces)]
        mod $name {
            pub(super) mod old {
                #[allow(unused_imports)]
                use serde::Deserialize;

                pub(in super::super) fn schema() -> &'static cachewright::__private::Schema {
                    cachewright::__private::Schema::of::<Value>()
                }

                $($old)*
            }
            pub(super) mod new {
                #[allow(unused_imports)]
                use serde::Deserialize;

                pub(in super::super) fn schema() -> &'static cachewright::__private::Schema {
                    cachewright::__private::Schema::of::<Value>()
                }

                $($new)*
            }
        })*

        pub(super) const CASES: &[super::case::Case] = &[$(super::case::Case {
            name: stringify!($name),
            old: $name::old::schema,
            new: $name::new::schema,
        }),*];
    };
}
