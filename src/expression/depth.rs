//! How deep CEL recurses over a tree.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// The depth of a tree, in calls of CEL's evaluation within each other.
pub(super) fn depth(tree: &IdedExpr) -> usize {
    let beneath = match &tree.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
        Expr::Select(select) => depth(&select.operand),
        Expr::Call(call) => deepest(call.target.as_deref().into_iter().chain(&call.args)),
        Expr::List(list) => deepest(&list.elements),
        Expr::Map(map) => map.entries.iter().map(|entry| of_entry(&entry.expr)).max().unwrap_or_default(),
        Expr::Struct(of) => of.entries.iter().map(|entry| of_entry(&entry.expr)).max().unwrap_or_default(),
        Expr::Comprehension(of) => {
            deepest([&of.iter_range, &of.accu_init, &of.loop_cond, &of.loop_step, &of.result]) + 1
        }
    };
    beneath + 1
}

fn of_entry(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::StructField(field) => depth(&field.value),
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
    }
}

fn deepest<'t>(trees: impl IntoIterator<Item = &'t IdedExpr>) -> usize {
    trees.into_iter().map(depth).max().unwrap_or_default()
}
