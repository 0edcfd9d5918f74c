//! Whether the imports of a descriptor set can be followed.
//!
//! A descriptor pool follows public imports from each file that imports something, once for each way that leads to them,
//! and without an end where they lead in a circle. Compilers write no circles and few ways; a set from elsewhere may hold
//! anything.

use std::collections::HashMap;

use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// How many imports a pool may have to follow for one set: a thousand times what large protocols need.
const FOLLOWED: u64 = 20_000_000;

/// Checks that a pool comes to an end with these imports, and soon.
///
/// # Errors
/// With what is wrong.
pub(super) fn check(set: &FileDescriptorSet) -> Result<(), String> {
    let files: HashMap<&str, &FileDescriptorProto> = set.file.iter().map(|file| (file.name(), file)).collect();
    let order = from_the_last(&files)?;
    // What it takes to follow the public imports of a file, as often as ways lead to them.
    let mut cost: HashMap<&str, u64> = HashMap::new();
    let mut all = 0u64;
    for name in order {
        let file = files[name];
        // Each import is looked for among the public ones.
        let public = file.public_dependency.len() as u64;
        let mut of_file = (file.dependency.len() as u64 + 1).saturating_mul(public + 1);
        for import in &file.dependency {
            let beneath = cost.get(import.as_str()).copied().unwrap_or(0);
            all = all.saturating_add(beneath);
            if public > 0 {
                // Whether it is a public one does not matter much: there are few others beside them.
                of_file = of_file.saturating_add(beneath);
            }
        }
        cost.insert(name, of_file);
        all = all.saturating_add(of_file);
    }
    if all > FOLLOWED {
        return Err("its files import each other in more ways than can be followed".to_owned());
    }
    Ok(())
}

/// The files, each behind those that it imports.
fn from_the_last<'a>(files: &HashMap<&'a str, &'a FileDescriptorProto>) -> Result<Vec<&'a str>, String> {
    let imports =
        |name: &str| files[name].dependency.iter().map(String::as_str).filter(|import| files.contains_key(import));
    let mut waiting: HashMap<&str, usize> = files.keys().map(|name| (*name, imports(name).count())).collect();
    let mut importers: HashMap<&str, Vec<&'a str>> = HashMap::new();
    for name in files.keys() {
        for import in files[name].dependency.iter().map(String::as_str) {
            importers.entry(import).or_default().push(name);
        }
    }
    let mut order: Vec<&str> = waiting.iter().filter(|(_, left)| **left == 0).map(|(name, _)| *name).collect();
    let mut next = 0;
    while let Some(name) = order.get(next) {
        next += 1;
        for importer in importers.get(name).into_iter().flatten() {
            if let Some(left) = waiting.get_mut(importer) {
                *left -= 1;
                if *left == 0 {
                    order.push(importer);
                }
            }
        }
    }
    if order.len() == files.len() {
        return Ok(order);
    }
    let stuck = waiting.iter().filter(|(_, left)| **left > 0).map(|(name, _)| *name).min().unwrap_or_default();
    Err(format!("`{stuck}` is in a circle of imports, or imports one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, imports: &[&str], public: &[i32]) -> FileDescriptorProto {
        FileDescriptorProto {
            name: Some(name.to_owned()),
            dependency: imports.iter().map(ToString::to_string).collect(),
            public_dependency: public.to_vec(),
            ..FileDescriptorProto::default()
        }
    }

    #[test]
    fn circles_of_imports_are_found_however_long() {
        for (files, fits) in [
            (vec![file("a", &[], &[])], true),
            (vec![file("b", &["a"], &[0]), file("a", &[], &[])], true),
            (vec![file("a", &["gone"], &[0])], true),
            (vec![file("a", &["b", "b"], &[0]), file("b", &[], &[])], true),
            (vec![file("a", &["a"], &[0])], false),
            (vec![file("a", &["b"], &[]), file("b", &["c"], &[0]), file("c", &["b"], &[])], false),
        ] {
            let checked = check(&FileDescriptorSet { file: files });
            assert_eq!(checked.is_ok(), fits, "{checked:?}");
        }
    }

    #[test]
    fn ways_that_double_with_each_file_are_too_many() {
        let name = |index: usize| format!("f{index}");
        let doubling = |files: usize| {
            let file = (0..files)
                .map(|index| match index.checked_sub(1) {
                    None => file("f0", &[], &[]),
                    Some(before) => file(&name(index), &[&name(before), &name(before.saturating_sub(1))], &[0, 1]),
                })
                .collect();
            check(&FileDescriptorSet { file })
        };
        assert!(doubling(10).is_ok());
        assert!(doubling(100).is_err());
    }
}
