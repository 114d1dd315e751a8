//! Whether what an argument holds lasts longer than the call.

use syn::visit::{self, Visit};
use syn::{
    Lifetime, ParenthesizedGenericArguments, PathSegment, Receiver, ReceiverKind, TraitBound, Type,
    TypeFnPtr, TypeReference,
};

use super::bare;

/// What has to be done for a body that may go on after the call to have an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// It is owned, or borrowed for ever.
    Moved,
    /// `&T`: it can be cloned.
    Cloned,
    /// `&mut T`: a clone would be changed in its place.
    Changed,
    /// `&dyn Trait`, which has no clone.
    Object,
    /// `Option<&T>`, `Filter<'_>`: what is borrowed can't be seen from outside.
    Borrows,
    /// `Rc<T>` stays on its thread.
    Local,
}

/// How an argument of the type `ty` lasts.
pub(super) fn lasting(ty: &Type) -> Lasting {
    let Type::Reference(reference) = bare(ty) else {
        return inside(ty);
    };
    match bare(&reference.elem) {
        _ if reference.mutability.is_some() => Lasting::Changed,
        _ if reference.lifetime.as_ref().is_some_and(is_static) => inside(&reference.elem),
        Type::TraitObject(_) => Lasting::Object,
        inner => match inside(inner) {
            Lasting::Moved => Lasting::Cloned,
            other => other,
        },
    }
}

/// How a receiver lasts.
pub(super) fn lasting_receiver(receiver: &Receiver) -> Lasting {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(_)) => Lasting::Changed,
        ReceiverKind::Reference(_, Some(lifetime), None) if is_static(lifetime) => Lasting::Moved,
        ReceiverKind::Reference(..) => Lasting::Cloned,
        ReceiverKind::Typed(_, ty) => lasting(ty),
        _ => Lasting::Moved,
    }
}

/// How what is not a reference by itself lasts.
fn inside(ty: &Type) -> Lasting {
    let mut parts = Parts::default();
    parts.visit_type(ty);
    match parts {
        Parts { borrowed: true, .. } => Lasting::Borrows,
        Parts { local: true, .. } => Lasting::Local,
        _ => Lasting::Moved,
    }
}

/// Whether a type shows that it borrows from something that does not live for ever.
pub(crate) fn borrows(ty: &Type) -> bool {
    inside(ty) == Lasting::Borrows
}

fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

#[derive(Default)]
struct Parts {
    borrowed: bool,
    local: bool,
}

impl<'ast> Visit<'ast> for Parts {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.borrowed |= !is_static(lifetime);
    }

    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        self.borrowed |= reference.lifetime.is_none();
        visit::visit_type_reference(self, reference);
    }

    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        self.local |= segment.ident == "Rc" && !segment.arguments.is_none();
        visit::visit_path_segment(self, segment);
    }

    // `dyn for<'a> Trait<'a>` borrows nothing.
    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }

    // What a function is given is no part of it.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}
}

#[cfg(test)]
mod tests {
    use super::{Lasting, lasting};

    #[test]
    fn every_type_of_an_argument_lasts_as_it_says() {
        let types: &[(Lasting, &[&str])] = &[
            (
                Lasting::Moved,
                &[
                    "u64",
                    "Arc<str>",
                    "&'static str",
                    "(&'static str, Vec<u8>)",
                    "impl Fn(&str) -> u64 + Send",
                    "fn(&str) -> &str",
                    "Box<dyn for<'a> Visit<'a> + Send>",
                    "Cow<'static, str>",
                    "Rc",
                ],
            ),
            (
                Lasting::Cloned,
                &[
                    "&str",
                    "&'a [u8]",
                    "(&Arc<Self>)",
                    "&&'static str",
                    "&impl Display",
                ],
            ),
            (
                Lasting::Changed,
                &["&mut u64", "&'static mut u64", "(&mut [u8])"],
            ),
            (Lasting::Object, &["&dyn Display", "&(dyn Display + Sync)"]),
            (
                Lasting::Borrows,
                &[
                    "Option<&str>",
                    "&[&str]",
                    "Filter<'_>",
                    "Pin<&Self>",
                    "&Filter<'a>",
                    "Box<dyn Display + '_>",
                    "impl Display + 'a",
                    "[&str; 2]",
                ],
            ),
            (
                Lasting::Local,
                &["Rc<u64>", "Option<std::rc::Rc<u8>>", "&Rc<u64>"],
            ),
        ];
        for (expected, types) in types {
            for ty in *types {
                assert_eq!(lasting(&syn::parse_str(ty).unwrap()), *expected, "{ty}");
            }
        }
    }
}
