//! What a run may take of memory.
//!
//! A message of a few megabytes can hold a long text and ten thousand elements: `elements.map(e, text + e.name)` would
//! come to gigabytes. So what makes new texts and lists is charged, and fails when a run has made too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cel::ExecutionError;
use cel::common::types::{CelBytes, CelInt, CelList, CelMap, CelString, Type as CelType};
use cel::common::value::{CowVal, StaticVal, Val};

/// The most that a run makes, in bytes, counted roughly.
pub(super) const MOST: usize = 64 << 20;
/// What an element of a list or map takes besides its texts.
const ELEMENT: usize = 48;

/// What is left, as a value that [`spend`] is called with.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(MOST)))
    }
}

pub(super) const TYPE: CelType = CelType::new_unspecified_type("budget");
static BUDGET: CelType = TYPE;

impl Val for Budget {
    fn get_type(&self) -> &CelType {
        &BUDGET
    }

    fn cel_type() -> &'static CelType {
        &BUDGET
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

impl StaticVal for Budget {}

/// Charges a budget with a value, so many times, and gives the value on.
pub(super) fn spend<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Ok([budget, value, times]) = <[CowVal<'b, 'v>; 3]>::try_from(arguments) else {
        return Err(ExecutionError::invalid_argument_count(3, 0));
    };
    let (Some(budget), Some(times)) = (budget.downcast_ref::<Budget>(), times.downcast_ref::<CelInt>()) else {
        return Err(ExecutionError::function_error("budget", "it is no budget"));
    };
    let times = usize::try_from(*times.inner()).unwrap_or(usize::MAX);
    let bytes = size(value.as_ref()).saturating_mul(times);
    let left = budget.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
    match left {
        Ok(_) => Ok(value),
        Err(_) => Err(ExecutionError::function_error("budget", format!("texts and lists take more than {MOST} bytes"))),
    }
}

/// How many bytes a value takes, roughly. Lists of lists count as deep as CEL lets expressions nest.
fn size(value: &dyn Val) -> usize {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return text.inner().len();
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes>() {
        return bytes.inner().len();
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return list.inner().iter().map(|element| ELEMENT.saturating_add(size(&**element))).sum();
    }
    value
        .downcast_ref::<CelMap>()
        .map_or(0, |map| map.inner().values().map(|value| (2 * ELEMENT).saturating_add(size(&**value))).sum())
}
