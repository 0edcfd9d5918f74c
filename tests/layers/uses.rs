//! What a file uses of the rest of the crate, read from its tokens: comments and texts do not count.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::source::Source;

/// A path from one file into a module of the crate.
pub(crate) struct Use {
    pub(crate) line: usize,
    /// The module at the crate's root that the path leads into.
    pub(crate) module: String,
}

/// All paths of `source` that begin with `crate`, `straddle` or `super`.
pub(crate) fn uses(source: &Source, all: &[Source]) -> Vec<Use> {
    let mut found = Vec::new();
    walk(source.tokens(), &source.module, &mut found);
    let exported = exported(all);
    for used in &mut found {
        if let Some(module) = exported.get(&used.module) {
            used.module.clone_from(module);
        }
    }
    found
}

fn walk(tokens: TokenStream, module: &[String], found: &mut Vec<Use>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if word == "crate" || word == "straddle" || word == "super" => {
                let line = word.span().start().line;
                let mut base = if word == "super" { module } else { &[] };
                while is(&tokens[at], "super") {
                    base = base.split_last().map_or(base, |(_, above)| above);
                    match after_colons(&tokens, at).filter(|next| is(&tokens[*next], "super")) {
                        Some(next) => at = next,
                        None => break,
                    }
                }
                let heads = after_colons(&tokens, at).map(|next| heads(&tokens[next])).unwrap_or_default();
                let led_into = match base.first() {
                    Some(first) => vec![first.clone()],
                    None => heads,
                };
                found.extend(led_into.into_iter().map(|module| Use { line, module }));
            }
            TokenTree::Ident(word) if word == "mod" => {
                // `mod name { … }`: what is within is one module deeper.
                if let [_, TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at..] {
                    let deeper = [module, &[name.to_string()]].concat();
                    walk(body.stream(), &deeper, found);
                    at += 3;
                    continue;
                }
            }
            TokenTree::Group(group) => walk(group.stream(), module, found),
            _ => {}
        }
        at += 1;
    }
}

fn is(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// The index of what stands behind `::` behind `at`.
fn after_colons(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    let next = at + 3;
    (tokens.len() > next && colon(&tokens[at + 1]) && colon(&tokens[at + 2])).then_some(next)
}

/// The first words of a path's rest: one, or those of a group `{a::b, c}`.
fn heads(token: &TokenTree) -> Vec<String> {
    match token {
        TokenTree::Group(group) => {
            let items: Vec<TokenTree> = group.stream().into_iter().collect();
            let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
            items.split(comma).filter_map(<[TokenTree]>::first).map(ToString::to_string).collect()
        }
        other => vec![other.to_string()],
    }
}

/// What the crate's root exports under its own name, and the module that it comes from.
fn exported(all: &[Source]) -> HashMap<String, String> {
    let mut exported = HashMap::new();
    let root = all.iter().find(|source| source.file.ends_with("lib.rs")).expect("the crate's root");
    let tokens: Vec<TokenTree> = root.tokens().into_iter().collect();
    for at in 0..tokens.len() {
        let [TokenTree::Ident(word), TokenTree::Ident(module), ..] = &tokens[at..] else { continue };
        if word == "use"
            && let Some(next) = after_colons(&tokens, at + 1)
        {
            exported.extend(heads(&tokens[next]).into_iter().map(|name| (name, module.to_string())));
        }
    }
    exported
}

/// The lines of attributes that allow or expect a lint and do not say why.
pub(crate) fn unexplained_exemptions(source: &Source) -> Vec<usize> {
    let mut lines = Vec::new();
    in_attributes(source.tokens(), &mut |attribute| silent(attribute, &mut lines));
    lines
}

fn in_attributes(tokens: TokenStream, each: &mut impl FnMut(TokenStream)) {
    let mut hash = false;
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => hash = true,
            TokenTree::Punct(punct) if punct.as_char() == '!' && hash => {}
            TokenTree::Group(group) => {
                if hash && group.delimiter() == Delimiter::Bracket {
                    each(group.stream());
                } else {
                    in_attributes(group.stream(), each);
                }
                hash = false;
            }
            _ => hash = false,
        }
    }
}

fn silent(attribute: TokenStream, lines: &mut Vec<usize>) {
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let before = index.checked_sub(1).map(|before| &tokens[before]);
        let exempts = before.is_some_and(|before| is(before, "allow") || is(before, "expect"));
        if exempts && !says_reason(group) {
            lines.push(group.span_open().start().line);
        }
        silent(group.stream(), lines);
    }
}

fn says_reason(group: &Group) -> bool {
    group.stream().into_iter().any(|token| is(&token, "reason"))
}
