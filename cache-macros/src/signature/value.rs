//! Whether a `static` in the function can name its return type.

use proc_macro2::Ident;
use syn::visit::{self, Visit};
use syn::{
    Expr, GenericArgument, Lifetime, Path, PathArguments, PathSegment, ReturnType, Type, TypePath,
};

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
        may_be_bounded: false,
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
    /// Whether what is looked at is an argument of a type that may have bounds on its parameters.
    may_be_bounded: bool,
    can_be_named: bool,
}

impl Names<'_> {
    fn add(&mut self, unsure: Unsure) {
        // What stands for a parameter keeps no bound.
        self.can_be_named &= unsure.arguments > 0 || !self.may_be_bounded;
        match self.unsure.iter().find(|known| known.name == unsure.name) {
            Some(known) => self.can_be_named &= *known == unsure,
            None => self.unsure.push(unsure),
        }
    }

    /// Looks at how a path to a type begins.
    fn begin(&mut self, path: &Path) {
        let Some(first) = path.segments.first() else {
            return;
        };
        if self.parameters.complete {
            self.can_be_named &= first.ident != "Self" && !self.parameters.contain(&first.ident);
            return;
        }
        let name = first.ident.to_string();
        if path.leading_colon.is_some() || is_sure(&name, &first.arguments) {
            return;
        }
        let is_type = name.starts_with(char::is_uppercase);
        if !is_type {
            // A module, but for names against the conventions.
            self.can_be_named &= path.segments.len() > 1;
            return;
        }
        // `T`, `K2`, and constants.
        let is_short = !name.contains(char::is_lowercase);
        let hides = name == "Self"
            || OF_THE_PRELUDE.contains(&&*name)
            || is_short
            || self.parameters.contain(&first.ident);
        match count(&first.arguments) {
            Some(arguments) if !hides && path.segments.len() == 1 => self.add(Unsure {
                name: first.ident.clone(),
                arguments,
            }),
            _ => self.can_be_named = false,
        }
    }
}

/// How many arguments a type is given, if all of them are types.
fn count(arguments: &PathArguments) -> Option<usize> {
    match arguments {
        PathArguments::None => Some(0),
        PathArguments::AngleBracketed(given) => {
            let is_type = |argument: &GenericArgument| matches!(argument, GenericArgument::Type(_));
            given.args.iter().all(is_type).then(|| given.args.len())
        }
        _ => None,
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
        self.begin(&ty.path);
        visit::visit_type_path(self, ty);
    }

    // Of types and of the traits of trait objects.
    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        let outside = self.may_be_bounded;
        self.may_be_bounded |= !segment.arguments.is_none() && !takes_anything(&segment.ident);
        visit::visit_path_segment(self, segment);
        self.may_be_bounded = outside;
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.can_be_named &= lifetime.ident == "static" || lifetime.ident == "_";
    }

    // Lengths of arrays and constant arguments.
    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.can_be_named &= matches!(expression, Expr::Lit(_));
    }
}

/// Types with parameters that need no import.
const OF_THE_PRELUDE: [&str; 4] = ["Option", "Result", "Vec", "Box"];

/// Types that need no import. No parameter is given these names.
fn is_sure(name: &str, arguments: &PathArguments) -> bool {
    const SCALARS: [&str; 18] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8",
        "u16", "u32", "u64", "u128", "usize", "String",
    ];
    SCALARS.contains(&name) || OF_THE_PRELUDE.contains(&name) && !arguments.is_none()
}

/// Whether a type has no bounds on its parameters.
fn takes_anything(name: &Ident) -> bool {
    const NAMES: [&str; 13] = [
        "Option", "Result", "Vec", "Box", "Arc", "Rc", "VecDeque", "HashMap", "BTreeMap",
        "HashSet", "BTreeSet", "IndexMap", "IndexSet",
    ];
    NAMES.iter().any(|known| name == known)
}

#[cfg(test)]
mod tests {
    use super::{Parameters, value};

    /// The names that are not sure in a return type that can be named.
    fn unsure(returned: &str) -> Option<Vec<String>> {
        unsure_in(returned, false)
    }

    fn unsure_in(returned: &str, complete: bool) -> Option<Vec<String>> {
        let output = syn::parse_str(&format!("-> {returned}")).unwrap();
        let own = syn::parse_str("Own").unwrap();
        let names = vec![&own];
        let value = value(&output, &Parameters { names, complete })?;
        let unsure = value.unsure.into_iter();
        Some(
            unsure
                .map(|unsure| format!("{}/{}", unsure.name, unsure.arguments))
                .collect(),
        )
    }

    #[test]
    fn what_is_a_parameter_or_may_have_bounds_is_not_named() {
        let hidden = [
            "T",
            "K2",
            "Own",
            "Self",
            "Vec<T>",
            "Option<Self::Out>",
            "Item::Out",
            "Vec<Item::Out>",
            "<Item as Entity>::Out",
            "[u8; SIZE]",
            "[u8; Size]",
            "[u8; { 1 + 1 }]",
            "Page<SIZE>",
            "Page<Size>",
            "Page<{ 1 }>",
            "Page<3>",
            "Page<Item>",
            "models::Page<Option<Item>>",
            "Box<dyn Handler<Item>>",
            "Box<dyn Iterator<Item = Thing>>",
            "Cow<'static, str>",
            "Cow<'a, str>",
            "Vec<Result>",
            "impl Display",
            "shape!()",
            "record",
            "(Page, Page<u8>)",
        ];
        for returned in hidden {
            assert_eq!(unsure(returned), None, "{returned}");
        }
    }

    #[test]
    fn what_the_module_has_is_named() {
        let named: &[(&str, &[&str])] = &[
            ("u64", &[]),
            ("Result<Option<String>, ()>", &[]),
            ("Result<Vec<Profile>, Error>", &["Profile/0", "Error/0"]),
            (
                "io::Result<HashMap<Key, Arc<[Profile]>>>",
                &["HashMap/2", "Key/0", "Arc/1", "Profile/0"],
            ),
            ("Option<Page<(u8, String)>>", &["Page/1"]),
            ("models::Page<u8>", &[]),
            ("crate::models::Profile", &[]),
            ("::models::Page<Vec<u8>>", &[]),
            ("[Profile; 2]", &["Profile/0"]),
            ("fn(&str) -> Profile", &["Profile/0"]),
        ];
        for (returned, expected) in named {
            let expected = expected.iter().map(ToString::to_string).collect();
            assert_eq!(unsure(returned), Some(expected), "{returned}");
        }
    }
    #[test]
    fn everything_else_is_named_where_all_parameters_are_known() {
        for returned in [
            "T",
            "Vec<Item>",
            "Page<Item>",
            "Item::Out",
            "Cow<'static, str>",
            "Result",
        ] {
            assert_eq!(unsure_in(returned, true), Some(Vec::new()), "{returned}");
        }
        for returned in [
            "Own",
            "Page<Own>",
            "Vec<Own::Out>",
            "Self",
            "Vec<Self::Out>",
            "[u8; Own]",
        ] {
            assert_eq!(unsure_in(returned, true), None, "{returned}");
        }
    }
}
