//! Whether a `static` in the function can name its return type.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{Expr, GenericArgument, Lifetime, Path, PathArguments, ReturnType, Type, TypePath};

use super::Parameters;

/// A return type that a `static` can name, unless a name in it is a parameter of the surrounding `impl`.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) returned: Type,
    pub(crate) unsure: Vec<Unsure>,
}

/// A name that may be a type parameter.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Unsure {
    pub(crate) name: Ident,
    /// How many arguments it is given.
    pub(crate) arguments: usize,
}

/// Looks at a return type.
///
/// One that cannot be named is not needed: it is seen when the function is called. So what looks like a parameter, or
/// is anything out of the ordinary, is left alone.
pub(super) fn value(output: &ReturnType, parameters: &Parameters<'_>) -> Option<Value> {
    let ReturnType::Type(_, returned) = output else {
        return None;
    };
    let mut names = Names {
        parameters,
        unsure: Vec::new(),
        can_be_named: true,
    };
    names.visit_type(returned);
    names.can_be_named.then(|| Value {
        returned: (**returned).clone(),
        unsure: names.unsure,
    })
}

struct Names<'a> {
    parameters: &'a Parameters<'a>,
    unsure: Vec<Unsure>,
    can_be_named: bool,
}

impl Names<'_> {
    fn add(&mut self, unsure: Unsure) {
        match self.unsure.iter().find(|known| known.name == unsure.name) {
            Some(known) => self.can_be_named &= *known == unsure,
            None => self.unsure.push(unsure),
        }
    }

    fn path(&mut self, path: &Path) {
        let Some(first) = path.segments.first() else {
            return;
        };
        if self.parameters.complete {
            self.can_be_named &= first.ident != "Self" && !self.parameters.contain(&first.ident);
            return;
        }
        let name = first.ident.to_string();
        let is_type = name.starts_with(char::is_uppercase);
        // `T`, `K2`, and constants.
        let is_short = is_type && !name.contains(char::is_lowercase);
        if path.leading_colon.is_some() || !is_type || is_of_the_prelude(&name) {
            return;
        }
        if name == "Self"
            || is_short
            || self.parameters.contain(&first.ident)
            || path.segments.len() > 1
        {
            self.can_be_named = false;
            return;
        }
        let arguments = match &first.arguments {
            PathArguments::None => Some(0),
            PathArguments::AngleBracketed(given) => {
                let types = given.args.iter();
                let are_types = types
                    .clone()
                    .all(|argument| matches!(argument, GenericArgument::Type(_)));
                are_types.then(|| types.count())
            }
            _ => None,
        };
        match arguments {
            Some(arguments) => self.add(Unsure {
                name: first.ident.clone(),
                arguments,
            }),
            None => self.can_be_named = false,
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Macro(_) | Type::ImplTrait(_) | Type::Infer(_) | Type::Verbatim(_) => {
                self.can_be_named = false;
            }
            _ => visit::visit_type(self, ty),
        }
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        self.can_be_named &= ty.qself.is_none();
        self.path(&ty.path);
        visit::visit_type_path(self, ty);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.can_be_named &= lifetime.ident == "static" || lifetime.ident == "_";
    }

    // Lengths of arrays and constant arguments.
    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.can_be_named &= matches!(expression, Expr::Lit(_));
    }
}

/// Types that need no import.
fn is_of_the_prelude(name: &str) -> bool {
    matches!(name, "Option" | "Result" | "Vec" | "String" | "Box")
}
