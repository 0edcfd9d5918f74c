//! Which method of one version is which of the other.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::{Named, Reading};
use crate::protocol::rules::file::Rename;
use crate::protocol::schema::Method;

/// The method of the older version and that of the newer, by index, and where it is said.
type OfMethod<'a> = (&'a Spanned<String>, usize, usize);
/// The service of the older version, where it is said, and that of the newer.
type OfService<'a> = (&'a Spanned<String>, &'a str);

/// Which method of the other version is whose, by index.
#[derive(Clone, Default)]
struct Counterparts {
    forward: BTreeMap<usize, usize>,
    backward: BTreeMap<usize, usize>,
}

impl Reading<'_> {
    /// For each method of the older version the index of its counterpart: by the renames of methods, then by those of
    /// services, then by those of packages, then by the same name. No two have the same one.
    pub(super) fn counterparts(&mut self, rename: &Rename) -> BTreeMap<usize, usize> {
        let (methods, services) = self.renames(rename);
        let mut found = Counterparts::default();
        for (at, old, new) in methods {
            self.rename(&mut found, at, old, new);
        }
        let of_methods = found.clone();
        for (at, service) in &services {
            let theirs = |(old, method): &(usize, &Method)| {
                method.service() == at.get_ref() && !of_methods.forward.contains_key(old)
            };
            for (old, method) in self.old.methods().iter().enumerate().filter(theirs) {
                let counterpart = self.new.method_index(&format!("/{service}/{}", method.descriptor().name()));
                if let Some(new) = counterpart.filter(|new| !of_methods.backward.contains_key(new)) {
                    self.rename(&mut found, at, old, new);
                }
            }
        }
        let named: BTreeSet<&str> = services.iter().map(|(at, _)| at.get_ref().as_str()).collect();
        let moved = self.moved_services(rename, &named);
        let of_services = found.clone();
        for (old, method) in self.old.methods().iter().enumerate() {
            let Some((at, service)) = moved.get(method.service()) else { continue };
            let counterpart = self.new.method_index(&format!("/{service}/{}", method.descriptor().name()));
            let free = |new: &usize| !of_services.backward.contains_key(new) && !of_services.forward.contains_key(&old);
            if let Some(new) = counterpart.filter(free) {
                self.rename(&mut found, at, old, new);
            }
        }
        let renamed = |service: &str| named.contains(service) || moved.contains_key(service);
        for (old, method) in self.old.methods().iter().enumerate().filter(|(_, one)| !renamed(one.service())) {
            let counterpart = self.new.method_index(method.path());
            if let Some(new) = counterpart.filter(|new| !found.backward.contains_key(new)) {
                found.forward.entry(old).or_insert(new);
            }
        }
        found.forward
    }

    /// The renames of methods and those of services, each with its place.
    fn renames<'r>(&mut self, rename: &'r Rename) -> (Vec<OfMethod<'r>>, Vec<OfService<'r>>) {
        let (mut methods, mut services) = (Vec::new(), Vec::new());
        for (from, to) in &rename.methods {
            match (self.find(self.old, from), self.find(self.new, to)) {
                (Some(Named::Method(old)), Some(Named::Method(new))) => methods.push((from, old, new)),
                (Some(Named::Service), Some(Named::Service)) => services.push((from, to.get_ref().as_str())),
                (Some(_), Some(_)) => self.fault(
                    from,
                    format!("`{}` and `{}` are not both methods or both services", from.get_ref(), to.get_ref()),
                    "map a method to a method, or a service to a service".to_owned(),
                ),
                _ => {}
            }
        }
        for (from, to) in &rename.services {
            match (self.find(self.old, from), self.find(self.new, to)) {
                (Some(Named::Service), Some(Named::Service)) => services.push((from, to.get_ref().as_str())),
                (Some(_), Some(_)) => self.fault(
                    from,
                    format!("`{}` and `{}` are not both services", from.get_ref(), to.get_ref()),
                    "map a service to a service; methods are mapped under [rename.methods]".to_owned(),
                ),
                _ => {}
            }
        }
        (methods, services)
    }

    /// Services of the older version whose package has another name, where the newer version has them there; `named`
    /// are those that are renamed by themselves.
    fn moved_services<'r>(
        &self,
        rename: &'r Rename,
        named: &BTreeSet<&str>,
    ) -> BTreeMap<String, (&'r Spanned<String>, String)> {
        let mut moved = BTreeMap::new();
        for service in self.old.pool().services().filter(|service| !named.contains(service.full_name())) {
            let package = service.package_name();
            let Some((at, to)) = rename.packages.iter().find(|(from, _)| from.get_ref() == package) else { continue };
            let to = if to.get_ref().is_empty() { String::new() } else { format!("{}.", to.get_ref()) };
            let name = format!("{to}{}", service.name());
            if self.new.pool().get_service_by_name(&name).is_some() {
                moved.insert(service.full_name().to_owned(), (at, name));
            }
        }
        moved
    }

    fn rename(&mut self, found: &mut Counterparts, at: &Spanned<String>, old: usize, new: usize) {
        if let Some(other) = found.backward.insert(new, old) {
            let [first, second] = [other, old].map(|old| self.old.methods()[old].full_name());
            let what =
                format!("`{first}` and `{second}` are both renamed to `{}`", self.new.methods()[new].full_name());
            self.fault(at, what, "map to each method of the new version at most once".to_owned());
        }
        found.forward.insert(old, new);
    }
}
