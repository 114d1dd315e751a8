//! Names that an annotation takes from the function: placeholders, arguments of the key, `self`.

use proc_macro2::{Ident, Literal, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, GenericArgument, PathArguments, Type, TypePath};

use super::batch::element;
use crate::args::Keyed;
use crate::errors::{Errors, nearest, quoted};
use crate::signature::{Argument, Boxed, Facts, Function, is_positional};
use crate::template::{Placeholder, Template};

/// The function's arguments and its receiver, by name.
pub(super) struct Names<'a> {
    arguments: &'a [Argument],
    boxed: Option<&'a Boxed>,
    /// The token `self` of the receiver.
    receiver: Option<Span>,
    /// The argument that stands for one of its elements.
    batch: Option<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(written: &Function, facts: &'a Facts) -> Self {
        Self {
            arguments: &facts.arguments,
            boxed: facts.boxed.as_ref(),
            receiver: written
                .signature
                .receiver()
                .map(|receiver| receiver.self_token.span),
            batch: None,
        }
    }

    /// The same, of a function whose key is made of the elements of one argument.
    pub(super) fn of_batch(mut self, batch: Option<&Keyed<Ident>>) -> Self {
        self.batch = batch.map(|batch| batch.value.unraw().to_string());
        self
    }

    fn is_batch(&self, name: &str) -> bool {
        self.batch.as_deref() == Some(name)
    }

    pub(super) fn find(&self, name: &str) -> Option<&'a Argument> {
        let is_it = |argument: &&Argument| argument.name().is_some_and(|own| own.unraw() == name);
        self.arguments.iter().find(is_it)
    }

    /// Where the receiver's `self` stands.
    pub(super) fn receiver(&self) -> Option<Span> {
        self.receiver
    }

    /// What the placeholders of `template` stand for.
    pub(super) fn segments(&self, template: &Template, errors: &mut Errors) -> Vec<TokenStream> {
        let mut segments = Vec::new();
        for placeholder in &template.placeholders {
            match self.resolve(placeholder, template) {
                Some(segment) => {
                    self.shows_a_scalar(placeholder, template, errors);
                    segments.push(segment);
                }
                None => self.unknown_placeholder(placeholder, template, errors),
            }
        }
        segments
    }

    /// Refuses what is seen to be no scalar; of other types it shows when they are rendered.
    fn shows_a_scalar(&self, placeholder: &Placeholder, template: &Template, errors: &mut Errors) {
        let argument = self.find(&placeholder.root);
        let argument =
            argument.filter(|_| placeholder.fields.is_empty() && !self.is_batch(&placeholder.root));
        if let Some(argument) = argument.filter(|argument| is_compound(&argument.ty)) {
            let name = placeholder.text();
            let way_out = match &argument.ty {
                Type::Tuple(_) => format!("show a part of it, `{{{name}.0}}`, or leave the placeholder out"),
                _ => "leave the placeholder out, or give what is to be shown in an argument of its own".to_owned(),
            };
            errors.at(
                &template.literal,
                format!(
                    "`{name}` is a `{}`, and a placeholder stands for one scalar: a number, a text, a `bool` or `char`, \
                     or an `Option` of one",
                    argument.ty.to_token_stream().to_string().replace(' ', "").replace(',', ", ")
                ),
                way_out,
            );
        }
    }

    /// The expression of a placeholder. It stands where the literal stands and means what the signature means, also
    /// when a `macro_rules` macro took the two from different places.
    pub(super) fn resolve(
        &self,
        placeholder: &Placeholder,
        template: &Template,
    ) -> Option<TokenStream> {
        let here = template.literal.span();
        let mut root = match (self.find(&placeholder.root), self.receiver) {
            (Some(_), _) if self.is_batch(&placeholder.root) => element(),
            (Some(argument), _) => argument.variable.clone(),
            (None, Some(receiver))
                if placeholder.root == "self" && !placeholder.fields.is_empty() =>
            {
                Ident::new("self", receiver)
            }
            _ => return None,
        };
        root.set_span(here.resolved_at(root.span()));
        let mut expression = root.into_token_stream();
        for field in &placeholder.fields {
            let field = member(field, here);
            expression.extend(quote_spanned!(here=> .#field));
        }
        Some(expression)
    }

    fn unknown_placeholder(
        &self,
        placeholder: &Placeholder,
        template: &Template,
        errors: &mut Errors,
    ) {
        let root = &placeholder.root;
        let text = placeholder.text();
        let (problem, way_out) = if root == "self" && self.receiver.is_none() {
            (
                format!("`{{{text}}}` needs a receiver, and the function takes no `self`"),
                self.known(root),
            )
        } else if root == "self" {
            (
                "`{self}` is the receiver as a whole, and a placeholder stands for one scalar value".to_owned(),
                "name a field of it, as in `{self.region}`".to_owned(),
            )
        } else if self.is_bound_in_pattern(root) {
            (
                format!("`{root}` is bound inside a pattern, and the key is made before the argument is taken apart"),
                "give the argument a name and take it apart in the body: `pair: (u64, u64)`, then `{pair.0}`".to_owned(),
            )
        } else {
            (
                format!("`{{{text}}}` names no argument of the function"),
                self.known(root),
            )
        };
        errors.at(&template.literal, problem, way_out);
    }

    /// The error for an identifier of the annotation that must be an argument.
    pub(super) fn unknown_argument(&self, name: &Ident, errors: &mut Errors) {
        if self.is_bound_in_pattern(&name.unraw().to_string()) {
            errors.at(
                name,
                format!("`{name}` is bound inside a pattern, and the key is made before the argument is taken apart"),
                "give the argument a name and take it apart in the body",
            );
        } else {
            errors.at(
                name,
                format!("`{name}` is no argument of the function"),
                self.known(&name.to_string()),
            );
        }
    }

    /// Tells each `self` in `expression` that has no receiver.
    pub(super) fn need_receiver(&self, expression: &Expr, errors: &mut Errors) {
        if self.receiver.is_some() {
            return;
        }
        if let Some(token) = find_self(expression.to_token_stream()) {
            errors.at(
                token,
                "the function takes no `self`",
                "use an argument or a static, or make it a method: `&self`",
            );
        }
    }

    pub(super) fn is_bound_in_pattern(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument.binds(name))
            || self.boxed.is_some_and(|boxed| boxed.takes_apart(name))
    }

    /// The way out of an unknown name: the known ones.
    pub(super) fn known(&self, unknown: &str) -> String {
        let named = self.arguments.iter().filter_map(Argument::name);
        let named = named.filter(|name| !is_positional(name));
        let mut names: Vec<String> = named.map(|name| name.unraw().to_string()).collect();
        let guess = nearest(unknown, names.iter().map(String::as_str))
            .map(|name| format!("did you mean `{name}`? "))
            .unwrap_or_default();
        if self.receiver.is_some() {
            names.push("self.<field>".to_owned());
        }
        if names.is_empty() {
            return "the function has no arguments with a name".to_owned();
        }
        format!("{guess}known are {}", quoted(names))
    }
}

/// Whether a type is made of several values, whatever its arguments are.
fn is_compound(ty: &Type) -> bool {
    const COLLECTIONS: [&str; 8] = [
        "Vec",
        "VecDeque",
        "LinkedList",
        "BinaryHeap",
        "HashMap",
        "HashSet",
        "BTreeMap",
        "BTreeSet",
    ];
    match ty {
        Type::Slice(_) | Type::Array(_) | Type::Tuple(_) => true,
        Type::Reference(reference) => is_compound(&reference.elem),
        Type::Paren(paren) => is_compound(&paren.elem),
        Type::Group(group) => is_compound(&group.elem),
        Type::Path(TypePath { path, .. }) => path.segments.last().is_some_and(|last| {
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return false;
            };
            let wraps = ["Option", "Box", "Arc", "Rc"]
                .iter()
                .any(|name| last.ident == name);
            let inner = arguments.args.iter().any(|argument| match argument {
                GenericArgument::Type(inner) => is_compound(inner),
                _ => false,
            });
            COLLECTIONS.iter().any(|name| last.ident == name) || (wraps && inner)
        }),
        _ => false,
    }
}

fn member(field: &str, here: Span) -> TokenTree {
    if let Ok(index) = field.parse::<usize>() {
        let mut index = Literal::usize_unsuffixed(index);
        index.set_span(here);
        return index.into();
    }
    // A keyword names a field only in its raw form.
    match syn::parse_str::<Ident>(field) {
        Ok(_) => Ident::new(field, here).into(),
        Err(_) => Ident::new_raw(field, here).into(),
    }
}

/// The receiver in an expression. In front of a `::` it is the module: `self::CACHE`.
pub(super) fn find_self(tokens: TokenStream) -> Option<Ident> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match token {
            TokenTree::Ident(ident)
                if ident == "self" && !tokens.peek().is_some_and(is_joint_colon) =>
            {
                Some(ident)
            }
            TokenTree::Group(group) => find_self(group.stream()),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Begins a `::`.
fn is_joint_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}
