//! From a bundle to a protocol: on its own, or on top of the versions that are there already.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use prost::Message;
use prost_types::FileDescriptorSet;

use super::content::BundledVersion;
use super::error::BundleError;
use super::limits::Descriptors;
use super::{Bundle, Kind};
use crate::protocol::resume::Resume;
use crate::protocol::{Declared, Fault, Method, Protocol, Schema, Source, Step};
use crate::version::Version;

impl Bundle {
    /// The protocol in the bundle; of a step one with two versions.
    ///
    /// Of a step alone, what relates the two versions may be said differently than in the whole protocol: numbers that
    /// versions before them used are not known here.
    ///
    /// # Errors
    /// When the descriptors, a `step.toml` or a digest do not fit together.
    pub fn protocol(&self) -> Result<Protocol, BundleError> {
        self.assemble(self.unlabelled().cloned(), self.resume().to_vec(), self.sources(self.versions())?)
    }

    fn sources(&self, versions: &[BundledVersion]) -> Result<Vec<Source>, BundleError> {
        let mut checked = Descriptors::default();
        versions.iter().map(|version| self.source(version, &mut checked)).collect()
    }

    fn source(&self, bundled: &BundledVersion, checked: &mut Descriptors) -> Result<Source, BundleError> {
        let version = &bundled.version;
        let set = FileDescriptorSet::decode(bundled.descriptor_set.clone())
            .map_err(|error| BundleError::invalid(format!("what {version} has is no descriptor set: {error}")))?;
        checked.check(&set)?;
        let origin = self.origin().join(version.to_string());
        let step = bundled.step.clone().map(|text| (origin.join("step.toml"), text));
        Ok(Source { version: version.clone(), origin, descriptor_set: bundled.descriptor_set.clone(), step })
    }

    /// What stands for a folder in errors.
    fn origin(&self) -> PathBuf {
        PathBuf::from(format!("<bundle of {}>", self.name()))
    }

    fn assemble(
        &self,
        unlabelled: Option<Version>,
        resume: Vec<Resume>,
        sources: Vec<Source>,
    ) -> Result<Protocol, BundleError> {
        let unlabelled = unlabelled.map(|version| {
            let what = format!("the unlabelled version {version} is not among the versions");
            (version, Fault::new(self.origin(), what, "write the bundle anew"))
        });
        let assemble =
            || Protocol::assemble(self.name().to_owned(), Declared { unlabelled, resume }, sources, self.origin());
        // Whatever it may panic on: the bundle is at fault, and not the program that reads it.
        let protocol = catch_unwind(AssertUnwindSafe(assemble))
            .map_err(|_| BundleError::invalid("its versions cannot be related"))?
            .map_err(|error| BundleError::unrelated(self.name(), &error))?;
        for bundled in self.versions() {
            let Some(schema) = protocol.schema(&bundled.version) else { continue };
            if schema.digest() != bundled.schema {
                let (version, said, found) = (&bundled.version, &bundled.schema, schema.digest());
                let what = format!("it says that the schema of {version} is {said}, and its descriptors are {found}");
                return Err(BundleError::invalid(what));
            }
        }
        Ok(protocol)
    }
}

/// A version before the oldest, as a slice of one, and the text of the step that leads on from it.
type Older<'b> = (&'b [BundledVersion], Option<&'b str>);

impl Protocol {
    /// This protocol with the versions that the bundle has beyond it: how a program that was built before a version
    /// existed learns it. What is there already must be the same in both; a bundle that brings nothing new changes
    /// nothing.
    ///
    /// Versions are added behind the newest, and only where the bundle has that one as well. A step that leads to the oldest
    /// version adds one before it; versions of a whole protocol that are older are passed over. What callers get who were
    /// served before stays as it is, and so does what is said of streams of methods that are there already.
    ///
    /// # Errors
    /// When the bundle is of another protocol, leaves a gap, has a version or a step that this protocol has differently, or
    /// brings a version beside which the others would be served differently; and as [`Bundle::protocol`].
    pub fn with_bundle(&self, bundle: &Bundle) -> Result<Self, BundleError> {
        if bundle.name() != self.name() {
            let what = format!("the bundle is of the protocol {}, not of {}", bundle.name(), self.name());
            return Err(BundleError::contradiction(what, format!("fetch a bundle of {}", self.name())));
        }
        let mut sources = self.sources().to_vec();
        if let Some((older, step)) = self.older_of(bundle)? {
            sources[0].step = step.map(|text| (sources[0].origin.join("step.toml"), text.to_owned()));
            sources.extend(bundle.sources(older)?);
        } else {
            sources.extend(bundle.sources(self.added_by(bundle)?)?);
        }
        if sources.len() == self.versions().len() {
            return Ok(self.clone());
        }
        let known =
            |method: &str| self.versions().iter().flat_map(Schema::methods).any(|own| own.full_name() == method);
        let own = self.resume().iter().chain(bundle.resume().iter().filter(|entry| !known(entry.method())));
        let learned = bundle.assemble(self.unlabelled().cloned(), own.cloned().collect(), sources)?;
        self.still_served_by(&learned)?;
        Ok(learned)
    }

    /// The version before the oldest, and what says how the two relate, where that step is what is bundled.
    fn older_of<'b>(&self, bundle: &'b Bundle) -> Result<Option<Older<'b>>, BundleError> {
        match (bundle.kind(), bundle.versions(), self.versions().first()) {
            (Kind::Step, [_, to], Some(oldest)) if to.version.same_schema(oldest.version()) => {
                self.compare(0, to, false)?;
                Ok(Some((&bundle.versions()[..1], to.step())))
            }
            _ => Ok(None),
        }
    }

    /// Checks that the versions of this protocol mean in the learned one what they mean here. A version before the oldest
    /// may have used numbers that were free until then, or a package by which callers without a label were told.
    fn still_served_by(&self, learned: &Self) -> Result<(), BundleError> {
        let advice = "such a version comes with a new program only";
        let packages = self.versions().iter().flat_map(Schema::methods).map(Method::package);
        if let Some(package) =
            packages.into_iter().find(|one| self.version_for_unlabelled(one) != learned.version_for_unlabelled(one))
        {
            let what = format!(
                "beside what the bundle brings, callers of {package} without a label would be taken for another version"
            );
            return Err(BundleError::contradiction(what, advice));
        }
        for step in self.steps() {
            let same = |other: &&Step| other.from() == step.from() && other.to() == step.to();
            let kinds =
                |step: &Step| -> Vec<_> { step.past().iter().chain(step.future()).map(mem::discriminant).collect() };
            if learned.steps().iter().find(same).map(kinds) != Some(kinds(step)) {
                let what = format!(
                    "beside what the bundle brings, methods would cross the step to {} in another way",
                    step.to()
                );
                return Err(BundleError::contradiction(what, advice));
            }
        }
        Ok(())
    }

    /// The versions of the bundle that this protocol does not have; what both have is compared.
    fn added_by<'b>(&self, bundle: &'b Bundle) -> Result<&'b [BundledVersion], BundleError> {
        let (own, bundled) = (self.versions(), bundle.versions());
        // Neither is ever empty.
        let (Some(oldest), Some(newest)) = (own.first(), own.last()) else { return Ok(&[]) };
        let mut at = None;
        for (index, one) in bundled.iter().enumerate() {
            match self.index_of(&one.version) {
                Some(here) => {
                    if let Some(skipped) = at.map(|before: usize| before + 1).filter(|next| *next < here) {
                        return Err(gap(self, &own[skipped].version().to_string(), "the bundle leaves it out"));
                    }
                    self.compare(here, one, index > 0)?;
                    at = Some(here);
                }
                None if one.version < *oldest.version() => {}
                None if one.version < *newest.version() => {
                    return Err(gap(self, &one.version.to_string(), "only the bundle has it"));
                }
                None if at == Some(own.len() - 1) => return Ok(&bundled[index..]),
                None => {
                    let what = format!(
                        "the bundle {}, and {} ends with {}",
                        index.checked_sub(1).map_or_else(
                            || format!("begins with {}", one.version),
                            |before| format!("goes on from {}", bundled[before].version)
                        ),
                        self.name(),
                        newest.version()
                    );
                    let advice = format!("add the bundle of the step from {} first", newest.version());
                    return Err(BundleError::contradiction(what, advice));
                }
            }
        }
        if at.is_some() {
            return Ok(&[]);
        }
        let what =
            format!("no version of the bundle is one of {}, which begins with {}", self.name(), oldest.version());
        let advice = format!("add bundles of the steps between first, or fetch one that has {}", oldest.version());
        Err(BundleError::contradiction(what, advice))
    }

    /// Holds a version that both have against the bundle's; its step too, where the bundle has the version before it.
    fn compare(&self, here: usize, bundled: &BundledVersion, with_step: bool) -> Result<(), BundleError> {
        let (schema, source) = (&self.versions()[here], &self.sources()[here]);
        let advice =
            "a published version does not change: find out which is right, and give the other one its own version";
        if schema.digest() != bundled.schema {
            let (version, there) = (schema.version(), &bundled.schema);
            let what = format!("{version} has the schema {} here, and {there} in the bundle", schema.digest());
            return Err(BundleError::contradiction(what, advice));
        }
        let step = source.step.as_ref().map(|(_, text)| text.as_str());
        // The oldest version here has no step, and needs none.
        if with_step && here > 0 && step != bundled.step.as_deref() {
            let what = format!("the step to {} is another one here than in the bundle", schema.version());
            return Err(BundleError::contradiction(what, advice));
        }
        Ok(())
    }
}

fn gap(protocol: &Protocol, version: &str, why: &str) -> BundleError {
    let what =
        format!("{version} stands between versions that {} and the bundle both have, and {why}", protocol.name());
    BundleError::contradiction(what, "fetch a bundle of the same chain of versions: they are added at its end only")
}
