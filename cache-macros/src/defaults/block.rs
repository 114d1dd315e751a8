//! An `impl` block or a trait, as far as it has to be read.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{GenericParam, Generics};

use crate::errors::error;

/// An `impl` block or a trait.
pub(super) struct Block {
    /// What stands in the brackets of its own attributes.
    pub(super) attributes: Vec<TokenStream>,
    /// All before the braces.
    head: Vec<TokenTree>,
    /// Its type and constant parameters; `None` if they can't be read.
    pub(super) generics: Option<Vec<Ident>>,
    /// Its items, in braces.
    items: Group,
}

impl Block {
    pub(super) fn items(&self) -> TokenStream {
        self.items.stream()
    }

    /// The block with other items.
    pub(super) fn with_items(self, items: TokenStream) -> TokenStream {
        let mut braces = Group::new(Delimiter::Brace, items);
        braces.set_span(self.items.span());
        let mut block: TokenStream = self.head.into_iter().collect();
        braces.to_tokens(&mut block);
        block
    }
}

/// Reads what the attribute stands on.
pub(super) fn block(item: TokenStream) -> syn::Result<Block> {
    let mut head: Vec<TokenTree> = item.into_iter().collect();
    // What went through a `macro_rules` macro comes wrapped.
    if let [TokenTree::Group(group)] = &head[..]
        && group.delimiter() == Delimiter::None
    {
        head = group.stream().into_iter().collect();
    }
    let keyword = head.iter().position(is_keyword);
    let is_block = keyword.is_some_and(|at| is(&head[at], "impl") || is(&head[at], "trait"));
    let items = head.pop_if(|last| is_block && group(last, Delimiter::Brace).is_some());
    let (Some(at), Some(TokenTree::Group(items))) = (keyword, items) else {
        return Err(no_block(keyword.map(|at| &head[at])));
    };
    Ok(Block {
        attributes: attributes(&head[..at]),
        generics: generics(&head[at..]),
        head,
        items,
    })
}

/// Whether it says what kind of item this is. `const` and `unsafe` may also stand before `impl`.
fn is_keyword(token: &TokenTree) -> bool {
    const KEYWORDS: [&str; 10] = [
        "impl", "trait", "fn", "struct", "enum", "union", "mod", "type", "static", "use",
    ];
    KEYWORDS.iter().any(|keyword| is(token, keyword))
}

fn is(token: &TokenTree, keyword: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == keyword)
}

pub(super) fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn attributes(head: &[TokenTree]) -> Vec<TokenStream> {
    let groups = head.iter();
    let groups = groups.filter_map(|token| group(token, Delimiter::Bracket));
    groups.map(Group::stream).collect()
}

/// The parameters of what begins with `impl` or `trait`.
fn generics(block: &[TokenTree]) -> Option<Vec<Ident>> {
    let names = if is(&block[0], "trait") { 2 } else { 1 };
    let behind = block.get(names..)?;
    if !matches!(behind.first(), Some(TokenTree::Punct(punct)) if punct.as_char() == '<') {
        return Some(Vec::new());
    }
    let generics = |input: ParseStream| {
        let generics: Generics = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(generics)
    };
    let behind = behind.iter().cloned().collect();
    let generics = generics.parse2(behind).ok()?;
    let names = generics.params.into_iter();
    let names = names.filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(parameter.ident),
        GenericParam::Const(parameter) => Some(parameter.ident),
        _ => None,
    });
    Some(names.collect())
}

fn no_block(keyword: Option<&TokenTree>) -> syn::Error {
    let (culprit, what) = match keyword {
        Some(keyword) => (keyword.to_token_stream(), format!("not on `{keyword}`")),
        None => (TokenStream::new(), "and this is none".to_owned()),
    };
    error(
        culprit,
        format!("`#[cache_defaults]` goes on `impl` blocks and traits, {what}"),
        "put it on the block around the functions that it is meant for; a single function says all itself: `#[cached(ttl = 300)]`",
    )
}
