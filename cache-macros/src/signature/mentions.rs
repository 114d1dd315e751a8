//! What a body mentions. It stays tokens that nobody parses, so that an unfinished one is no worse.

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;

/// The tokens of a body, with another name for its receiver.
pub(crate) struct Renamed {
    pub(crate) statements: TokenStream,
    /// Whether the receiver was mentioned.
    pub(crate) is_mentioned: bool,
    /// A text of a macro that captures the receiver, as in `format!("{self}")`, whose name can't be changed.
    pub(crate) captured: Option<Literal>,
}

/// Gives the receiver of a body the name `name`, each mention keeping its place in the source.
///
/// `self` is another one in nested functions, and none in `self::path`, `use path::{self}` and `pub(self)`. In
/// attributes it is left alone: they belong to nested functions, or know nothing of values.
pub(crate) fn renamed(statements: TokenStream, name: &Ident) -> Renamed {
    let mut renaming = Renaming {
        name,
        is_mentioned: false,
        captured: None,
    };
    let statements = renaming.stream(statements, false);
    Renamed {
        statements,
        is_mentioned: renaming.is_mentioned,
        captured: renaming.captured,
    }
}

/// Whether `name` stands anywhere in a body, also in a text, where it may be captured by a macro.
pub(crate) fn mentions(statements: &TokenStream, name: &str) -> bool {
    let mut tokens = statements.clone().into_iter();
    tokens.any(|token| match token {
        TokenTree::Ident(ident) => ident.unraw() == name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Literal(literal) => literal.to_string().contains(name),
        TokenTree::Punct(_) => false,
    })
}

struct Renaming<'a> {
    name: &'a Ident,
    is_mentioned: bool,
    captured: Option<Literal>,
}

impl Renaming<'_> {
    fn stream(&mut self, tokens: TokenStream, in_macro: bool) -> TokenStream {
        let mut renamed: Vec<TokenTree> = Vec::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let next = tokens.peek();
            let untouched = match &token {
                TokenTree::Ident(ident) if ident == "fn" => {
                    matches!(next, Some(TokenTree::Ident(_))).then_some(Until::Body)
                }
                TokenTree::Ident(ident) if ident == "use" => (!is(next, '<')).then_some(Until::End),
                TokenTree::Ident(ident) if ident == "pub" => {
                    is_group(next, Delimiter::Parenthesis).then_some(Until::Group)
                }
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    (is_group(next, Delimiter::Bracket) || is(next, '!')).then_some(Until::Group)
                }
                _ => None,
            };
            match (token, untouched) {
                (token, Some(until)) => {
                    renamed.push(token);
                    until.copy(&mut tokens, &mut renamed);
                }
                (TokenTree::Ident(ident), None) if ident == "self" => {
                    let is_receiver = !is_path(next) && !is(renamed.last(), '$');
                    renamed.push(
                        if is_receiver {
                            self.mention(&ident)
                        } else {
                            ident
                        }
                        .into(),
                    );
                }
                (TokenTree::Group(group), None) => {
                    let in_macro = is_call_of_a_macro(&renamed);
                    renamed.push(self.group(group, in_macro).into());
                }
                (TokenTree::Literal(text), None) => {
                    if in_macro && captures_self(&text.to_string()) {
                        self.captured.get_or_insert_with(|| text.clone());
                    }
                    renamed.push(text.into());
                }
                (token, None) => renamed.push(token),
            }
        }
        renamed.into_iter().collect()
    }

    fn mention(&mut self, receiver: &Ident) -> Ident {
        self.is_mentioned = true;
        let mut name = self.name.clone();
        name.set_span(receiver.span().resolved_at(name.span()));
        name
    }

    /// A group without a mention stays itself, with the spans of its delimiters.
    fn group(&mut self, group: Group, in_macro: bool) -> Group {
        let before = std::mem::replace(&mut self.is_mentioned, false);
        let tokens = self.stream(group.stream(), in_macro);
        let is_changed = std::mem::replace(&mut self.is_mentioned, before);
        if !is_changed {
            return group;
        }
        self.is_mentioned = true;
        let mut renamed = Group::new(group.delimiter(), tokens);
        renamed.set_span(group.span());
        renamed
    }
}

/// Where what is left alone ends.
enum Until {
    /// Behind the body of a function, or behind the `;` in its place.
    Body,
    /// Behind a `;`.
    End,
    /// Behind a group.
    Group,
}

impl Until {
    fn copy(&self, tokens: &mut impl Iterator<Item = TokenTree>, copied: &mut Vec<TokenTree>) {
        // `fn f() -> A<{ 1 }> { … }`: in angle brackets stand constants.
        let mut angles = 0_usize;
        for token in tokens {
            let ends = match &token {
                TokenTree::Group(group) => match self {
                    Self::Body => angles == 0 && group.delimiter() == Delimiter::Brace,
                    Self::End => false,
                    Self::Group => true,
                },
                TokenTree::Punct(punct) => {
                    let is_arrow = is(copied.last(), '-');
                    match punct.as_char() {
                        '<' => angles += 1,
                        '>' if !is_arrow => angles = angles.saturating_sub(1),
                        _ => {}
                    }
                    punct.as_char() == ';' && !matches!(self, Self::Group)
                }
                _ => false,
            };
            copied.push(token);
            if ends {
                return;
            }
        }
    }
}

fn is(token: Option<&TokenTree>, expected: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == expected)
}

fn is_group(token: Option<&TokenTree>, delimiter: Delimiter) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
}

/// Begins a `::`.
fn is_path(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}

/// Whether what stands before a group is `name!`.
fn is_call_of_a_macro(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Ident(_), TokenTree::Punct(punct)] if punct.as_char() == '!')
}

/// Whether a text, as it is written, has a placeholder of the receiver: `{self}`, `{self:?}`, and not `{{self}}`.
fn captures_self(text: &str) -> bool {
    text.match_indices("{self").any(|(position, found)| {
        let braces = text[..position]
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'{');
        let after = text[position + found.len()..].trim_start();
        braces.count() % 2 == 0 && after.starts_with(['}', ':'])
    })
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Ident, Span, TokenStream};

    use super::{Renamed, mentions, renamed};

    fn read(body: &str) -> Renamed {
        let this = Ident::new("this", Span::call_site());
        renamed(body.parse().unwrap(), &this)
    }

    #[track_caller]
    fn becomes(body: &str, expected: &str) {
        let expected: TokenStream = expected.parse().unwrap();
        assert_eq!(read(body).statements.to_string(), expected.to_string());
    }

    #[test]
    fn the_receiver_gets_another_name_wherever_it_is_meant() {
        for (body, expected) in [
            ("self.load(id).await", "this.load(id).await"),
            ("let Self { a } = self; a", "let Self { a } = this; a"),
            (
                "(|| async move { self.x })()",
                "(|| async move { this.x })()",
            ),
            ("format!(\"{}\", self.x)", "format!(\"{}\", this.x)"),
            (
                "m! { [self] a => { self.b } }",
                "m! { [this] a => { this.b } }",
            ),
            ("let f: fn() = a; self.b", "let f: fn() = a; this.b"),
            (
                "A { a: self, b: [self::C, self.d] }",
                "A { a: this, b: [self::C, this.d] }",
            ),
            ("Self::a(&self, b)", "Self::a(&this, b)"),
            // Half-typed.
            ("self.", "this."),
            ("let a = self", "let a = this"),
        ] {
            becomes(body, expected);
            assert!(read(body).is_mentioned, "{body}");
        }
    }

    #[test]
    fn another_self_stays() {
        for body in [
            "self::load(id)",
            "crate::a::self::b()",
            "use std::fmt::{self, Display}; use self::a;",
            "struct A { pub(self) a: u8 }",
            "impl A { fn a(&self) -> u8 { self.a } async fn b(self) { self.a }}",
            "trait A { fn a(&self); fn b(&mut self) -> B<{ 1 }> { self } }",
            "#[instrument(skip(self))] #![allow(self)] fn a() {}",
            "fn a<T: Fn() -> u8>(self) -> T where T: A<{ 3 }> { self }",
            "macro_rules! a { ($self:expr) => { $self }; }",
        ] {
            becomes(body, body);
            assert!(!read(body).is_mentioned, "{body}");
        }
        becomes("fn a() -> A { self } self.b", "fn a() -> A { self } this.b");
        becomes("fn a(); self.b", "fn a(); this.b");
        becomes("use a::{self}; self.b", "use a::{self}; this.b");
    }

    #[test]
    fn a_text_that_captures_the_receiver_is_found() {
        for body in [
            "format!(\"{self}\")",
            "a(&format!(\"{id} {self:?}\", b))",
            "write!(f, r#\"{{}}{self :>3}\"#)",
            "info!(id, \"{{{self}}}\")",
        ] {
            assert!(read(body).captured.is_some(), "{body}");
        }
        for body in [
            "render(\"{self}\")",
            "format!(\"{{self}} {self.a} {selfish}\")",
            "format!(\"{}\", self)",
        ] {
            assert!(read(body).captured.is_none(), "{body}");
        }
    }

    #[test]
    fn a_name_is_found_in_macros_and_texts() {
        let is_mentioned = |body: &str, name| mentions(&body.parse().unwrap(), name);
        assert!(is_mentioned("a(id)", "id"));
        assert!(is_mentioned("m!{ [ r#type ] }", "type"));
        assert!(is_mentioned("format!(\"{id:?}\")", "id"));
        assert!(!is_mentioned("a(identity, 1)", "id"));
    }
}
