//! What a return type shows of itself.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{GenericArgument, PathSegment, ReturnType, Type, TypePath};

use super::{Parameters, bare, boxed, first_type, last};

/// What a return type shows of itself.
pub(crate) enum Returns {
    Nothing,
    Never,
    /// `impl Trait`, at the top or inside; whether that trait is `Future`.
    Opaque {
        in_result: bool,
        future: bool,
    },
    /// `Pin<Box<dyn Future<…>>>`, made by something else than the function's own `async` block.
    BoxedFuture,
    /// A reference, at the top or inside; whether all of them are `'static`.
    Borrowed {
        for_ever: bool,
    },
    /// `T`, `Self::Out`, `<T as Trait>::Out`, or a `Result` of one: may be an `Option` or a `Result`, or not.
    Hidden,
    /// A type whose outcome the compiler finds out. `unsure` is a lone name in it that may be a type parameter of
    /// the surrounding `impl` or `trait`, which a macro on the method cannot see.
    Plain {
        unsure: Option<Ident>,
    },
}

impl Returns {
    /// Whether what would be kept is borrowed.
    pub(crate) fn is_borrowed(&self) -> bool {
        matches!(self, Self::Borrowed { for_ever: false })
    }
}

/// Looks at a return type.
pub(super) fn returns(output: &ReturnType, parameters: &Parameters<'_>) -> Returns {
    let ReturnType::Type(_, ty) = output else {
        return Returns::Nothing;
    };
    let ty = bare(ty);
    let value = value_of_result(ty);
    // An error is not kept, so it may be borrowed.
    let kept = Parts::of(value.unwrap_or(ty));
    let Parts { opaque, future, .. } = Parts::of(ty);
    match ty {
        Type::Tuple(tuple) if tuple.elems.is_empty() => Returns::Nothing,
        Type::Never(_) => Returns::Never,
        _ if boxed::output(ty).is_some() => Returns::BoxedFuture,
        _ if opaque => Returns::Opaque {
            in_result: is_result(ty),
            future,
        },
        _ if kept.borrowed => Returns::Borrowed { for_ever: false },
        _ if kept.borrowed_for_ever => Returns::Borrowed { for_ever: true },
        _ if is_result(ty) => value.map_or(Returns::Plain { unsure: None }, |value| {
            shown(value, parameters)
        }),
        Type::Path(_) => shown(ty, parameters),
        _ => Returns::Plain { unsure: None },
    }
}

/// Whether `ty` shows that it is no `Option` and no `Result`, or that it is one.
fn shown(ty: &Type, parameters: &Parameters<'_>) -> Returns {
    let Type::Path(TypePath { qself, path, .. }) = bare(ty) else {
        return Returns::Plain { unsure: None };
    };
    // One capital is taken for a parameter of the surrounding impl, unless it has arguments.
    let capital = |ident: &Ident| {
        let name = ident.to_string();
        name.len() == 1 && name.starts_with(char::is_uppercase) && !parameters.complete
    };
    let hides = |segment: &PathSegment| {
        segment.ident == "Self"
            || parameters.contain(&segment.ident)
            || (capital(&segment.ident) && segment.arguments.is_none())
    };
    let alone = path.get_ident();
    match path.segments.first() {
        _ if qself.is_some() => Returns::Hidden,
        // `Self` alone is some struct or enum, but for default methods of traits.
        Some(_) if alone.is_some_and(|ident| ident == "Self") => Returns::Plain { unsure: None },
        Some(first) if hides(first) => Returns::Hidden,
        // Type parameters begin with a capital; leaving out `u64` and its like keeps expansions short.
        _ => Returns::Plain {
            unsure: alone
                .filter(|name| name.to_string().starts_with(char::is_uppercase))
                .cloned(),
        },
    }
}

/// `T` of `Result<T, E>` and of aliases of this name.
fn value_of_result(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Path(path) if is_result(ty) => last(path).and_then(first_type),
        _ => None,
    }
}

fn is_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if last(path).is_some_and(|segment| segment.ident == "Result"))
}

/// What occurs in a type, outside function types.
#[derive(Default)]
struct Parts {
    opaque: bool,
    /// `impl Future`.
    future: bool,
    borrowed: bool,
    borrowed_for_ever: bool,
}

impl Parts {
    fn of(ty: &Type) -> Self {
        let mut parts = Self::default();
        parts.visit_type(ty);
        parts
    }
}

impl<'ast> Visit<'ast> for Parts {
    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        self.opaque = true;
        self.future |= ty.bounds.iter().any(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => {
                let name = bound.path.segments.last();
                name.is_some_and(|name| name.ident == "Future" || name.ident == "IntoFuture")
            }
            _ => false,
        });
    }

    fn visit_generic_argument(&mut self, argument: &'ast GenericArgument) {
        if let GenericArgument::Lifetime(lifetime) = argument {
            self.borrowed |= lifetime.ident != "static";
        }
        visit::visit_generic_argument(self, argument);
    }

    // `dyn for<'a> Trait<'a>` borrows nothing.
    fn visit_trait_bound(&mut self, bound: &'ast syn::TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }

    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => self.borrowed_for_ever = true,
            _ => self.borrowed = true,
        }
        visit::visit_type_reference(self, reference);
    }

    // References in the arguments of a function are not part of a value.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(
        &mut self,
        _: &'ast syn::ParenthesizedGenericArguments,
    ) {
    }
}
