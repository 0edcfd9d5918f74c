//! Generated servers answer by [`Grpc`](crate::wire::Grpc) and with [`Body`](crate::wire::Body), where tonic wrote its
//! own: both cost a call less. They take and send compressed messages without being told to. Methods that an object does
//! not write say so.

use syn::visit_mut::{self, VisitMut};
use syn::{FieldValue, File, ItemMod, LitStr, Member, Path, TraitItemFn, parse_quote};

/// Replaces these in all modules of servers.
pub(super) fn answer_by_wire(file: &mut File) {
    Servers { within: false, method: None }.visit_file_mut(file);
}

struct Servers {
    /// Whether the innermost module is that of a server; clients have names of tonic's that have to stay.
    within: bool,
    /// The method of the trait whose default is looked at.
    method: Option<String>,
}

/// What tonic lets a method say that nobody wrote.
const UNWRITTEN: &str = "Not yet implemented";

impl VisitMut for Servers {
    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        let around = std::mem::replace(&mut self.within, module.ident.to_string().ends_with("_server"));
        visit_mut::visit_item_mod_mut(self, module);
        self.within = around;
    }

    fn visit_trait_item_fn_mut(&mut self, method: &mut TraitItemFn) {
        self.method = Some(method.sig.ident.to_string());
        visit_mut::visit_trait_item_fn_mut(self, method);
        self.method = None;
    }

    fn visit_lit_str_mut(&mut self, text: &mut LitStr) {
        if let Some(method) = self.method.as_ref().filter(|_| text.value() == UNWRITTEN) {
            *text =
                LitStr::new(&format!("the object that answers this call does not implement `{method}`"), text.span());
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        let named = |name| matches!(&field.member, Member::Named(member) if member == name);
        let encodings = named("accept_compression_encodings") || named("send_compression_encodings");
        // Where a server is made; elsewhere it takes what it was set to.
        if self.within && encodings && field.expr == parse_quote!(Default::default()) {
            field.expr = parse_quote!(::straddle::wire::encodings());
        }
        visit_mut::visit_field_value_mut(self, field);
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        if self.within {
            for (theirs, ours) in [
                (["tonic", "server", "Grpc"], parse_quote!(::straddle::wire::Grpc)),
                (["tonic", "body", "Body"], parse_quote!(::straddle::wire::Body)),
            ] {
                replace(path, theirs, ours);
            }
        }
        visit_mut::visit_path_mut(self, path);
    }
}

/// Puts `ours` where the path begins with `theirs`.
fn replace(path: &mut Path, theirs: [&str; 3], ours: Path) {
    let names = path.segments.iter().map(|segment| segment.ident.to_string());
    if names.take(theirs.len()).eq(theirs) {
        let rest = path.segments.iter().skip(theirs.len()).cloned();
        *path = Path { leading_colon: ours.leading_colon, segments: ours.segments.into_iter().chain(rest).collect() };
    }
}
