//! The annotations in a block.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;

use super::block::{Block, group};
use crate::args::{Annotation, Defaults};

/// The items of `block` with `defaults` in their annotations, and the annotations that are there.
pub(super) fn extend(block: &Block, defaults: &Defaults) -> (TokenStream, Vec<Annotation>) {
    let mut annotations = Annotations {
        defaults,
        block,
        seen: Vec::new(),
    };
    let items = annotations.items(block.items());
    (items, annotations.seen)
}

struct Annotations<'a> {
    defaults: &'a Defaults,
    block: &'a Block,
    seen: Vec<Annotation>,
}

impl Annotations<'_> {
    /// What stands in braces, brackets and parentheses other than those of attributes is left alone.
    fn items(&mut self, tokens: TokenStream) -> TokenStream {
        let mut behind_hash = false;
        let items = tokens.into_iter().map(|token| {
            let item = match &token {
                TokenTree::Group(attribute)
                    if behind_hash && attribute.delimiter() == Delimiter::Bracket =>
                {
                    let inner = self.attribute(attribute.stream());
                    with_stream(attribute, inner)
                }
                // What went through a `macro_rules` macro comes wrapped.
                TokenTree::Group(wrapped) if wrapped.delimiter() == Delimiter::None => {
                    let inner = self.items(wrapped.stream());
                    with_stream(wrapped, inner)
                }
                _ => token.clone(),
            };
            behind_hash = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
            item
        });
        items.collect()
    }

    /// An attribute, without its brackets.
    fn attribute(&mut self, attribute: TokenStream) -> TokenStream {
        if let Some(wrapped) = wrapped(&attribute) {
            let inner = self.attribute(wrapped.stream());
            return with_stream(&wrapped, inner).into();
        }
        let (path, arguments) = path(&attribute);
        match (&path[..], &arguments[..]) {
            ([name], [TokenTree::Group(conditional)]) if name == "cfg_attr" => {
                let inner = self.conditional(conditional.stream());
                let mut attribute = name.to_token_stream();
                with_stream(conditional, inner).to_tokens(&mut attribute);
                attribute
            }
            (path, [] | [TokenTree::Group(_)]) => match annotation(path) {
                Some(annotation) => self.extended(annotation, attribute),
                None => attribute,
            },
            _ => attribute,
        }
    }

    /// What stands in a `cfg_attr`: a condition and attributes.
    fn conditional(&mut self, tokens: TokenStream) -> TokenStream {
        let mut parts = vec![Vec::new()];
        for token in tokens {
            if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
                parts.push(vec![token]);
                parts.push(Vec::new());
            } else if let Some(part) = parts.last_mut() {
                part.push(token);
            }
        }
        let parts = parts.into_iter().enumerate().map(|(position, part)| {
            let part: TokenStream = part.into_iter().collect();
            // The commas pass as attributes that nobody knows.
            if position == 0 {
                part
            } else {
                self.attribute(part)
            }
        });
        parts.collect()
    }

    /// The defaults stand last, where they are in nobody's way.
    fn extended(&mut self, annotation: Annotation, attribute: TokenStream) -> TokenStream {
        self.seen.push(annotation);
        let generics = self.block.generics.as_deref();
        let defaults = self.defaults.argument_of(annotation, generics);
        let mut tokens: Vec<TokenTree> = attribute.into_iter().collect();
        let given = tokens.pop_if(|last| matches!(last, TokenTree::Group(_)));
        let arguments = match &given {
            Some(TokenTree::Group(given)) => {
                let stream = followed_by_comma(given.stream());
                with_stream(given, stream.into_iter().chain(defaults).collect())
            }
            _ => {
                let mut arguments = Group::new(Delimiter::Parenthesis, defaults);
                arguments.set_span(
                    tokens
                        .last()
                        .map_or_else(|| arguments.span(), TokenTree::span),
                );
                arguments.into()
            }
        };
        tokens.push(arguments);
        tokens.into_iter().collect()
    }
}

fn with_stream(written: &Group, stream: TokenStream) -> TokenTree {
    let mut group = Group::new(written.delimiter(), stream);
    group.set_span(written.span());
    group.into()
}

fn followed_by_comma(arguments: TokenStream) -> TokenStream {
    let last = arguments.clone().into_iter().last();
    let comma = match last {
        None => None,
        Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => None,
        Some(last) => {
            let mut comma = Punct::new(',', Spacing::Alone);
            comma.set_span(last.span());
            Some(TokenTree::from(comma))
        }
    };
    arguments.into_iter().chain(comma).collect()
}

fn wrapped(attribute: &TokenStream) -> Option<Group> {
    let mut tokens = attribute.clone().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(only), None) => group(&only, Delimiter::None).cloned(),
        _ => None,
    }
}

/// The names of an attribute's path, and what follows it. A `$path:path` comes wrapped.
pub(super) fn path(attribute: &TokenStream) -> (Vec<Ident>, Vec<TokenTree>) {
    let mut path = Vec::new();
    let mut behind = Vec::new();
    for token in attribute.clone() {
        match token {
            TokenTree::Ident(name) if behind.is_empty() => path.push(name.unraw()),
            TokenTree::Group(wrapped)
                if behind.is_empty() && wrapped.delimiter() == Delimiter::None =>
            {
                let (names, others) = self::path(&wrapped.stream());
                path.extend(names);
                behind.extend(others);
            }
            TokenTree::Punct(punct) if behind.is_empty() && punct.as_char() == ':' => {}
            other => behind.push(other),
        }
    }
    (path, behind)
}

/// Which of our macros a path names, whatever the crate is called.
///
/// A foreign macro that takes no `defaults(…)` is an error, and ours without its defaults would go unnoticed. So only
/// what is known to be another's is left alone: the crate `cached` has a macro of this name.
fn annotation(path: &[Ident]) -> Option<Annotation> {
    let (name, modules) = path.split_last()?;
    let is_foreign = modules.first().is_some_and(|first| {
        let first = first.to_string();
        first == "cached" || first == "cached_proc_macro"
    });
    let mut annotations = Annotation::ALL.into_iter();
    annotations.find(|annotation| name == annotation.name() && !is_foreign)
}
