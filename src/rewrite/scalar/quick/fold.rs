//! Steps of a quick conversion, as few as possible. Those of several hops say the same over and over: that a number fits
//! what it fitted before, and there and back again.
//!
//! What is folded comes to what the steps came to one by one, or to nothing, for a quick conversion may always leave a
//! value to the general one.

use super::Step;

/// The steps for values from `least` to `most`.
pub(super) fn folded(steps: Vec<Step>, (least, most): (i64, i64)) -> Vec<Step> {
    let mut fewer = Vec::new();
    for step in steps {
        add(&mut fewer, step);
    }
    let is_whole_range =
        |step: &Step| matches!(step, Step::Within { least: from, most: to } if *from <= least && most <= *to);
    // Only the first one sees the values as they are read; one that lets zeros end comes before it at most.
    if let Some(index) = fewer.iter().position(|step| !matches!(step, Step::Settle | Step::NotZero))
        && is_whole_range(&fewer[index])
    {
        fewer.remove(index);
    }
    fewer
}

/// Adds a step behind others.
fn add(steps: &mut Vec<Step>, step: Step) {
    let Some(last) = steps.pop() else { return steps.push(step) };
    match (last, step) {
        (Step::Within { least, most }, Step::Within { least: from, most: to }) => {
            steps.push(Step::Within { least: least.max(from), most: most.min(to) });
        }
        // What is multiplied may be checked before.
        (Step::Scale { numerator, denominator: 1 }, Step::Within { least, most }) if numerator > 0 => {
            let first = least.div_euclid(numerator) + i64::from(least.rem_euclid(numerator) != 0);
            add(steps, Step::Within { least: first, most: most.div_euclid(numerator) });
            steps.push(Step::Scale { numerator, denominator: 1 });
        }
        // There and back.
        (Step::Scale { numerator, denominator: 1 }, Step::Scale { numerator: 1, denominator })
            if numerator == denominator => {}
        (Step::Look { first, mut numbers }, Step::Within { least, most }) => {
            keep(&mut numbers, |number| (least..=most).contains(&number));
            steps.push(Step::Look { first, numbers });
        }
        (Step::Look { first, mut numbers }, Step::Settle | Step::NotZero) => {
            keep(&mut numbers, |number| number != 0);
            steps.push(Step::Look { first, numbers });
        }
        (Step::Look { first, mut numbers }, Step::Look { first: next_first, numbers: next }) => {
            let then = |number: i64| {
                let index = usize::try_from(number.checked_sub(next_first)?).ok()?;
                *next.get(index)?
            };
            for number in &mut numbers {
                *number = number.and_then(then);
            }
            steps.push(Step::Look { first, numbers });
        }
        // The first one says what a zero comes to.
        (last @ (Step::Settle | Step::NotZero), Step::Settle | Step::NotZero) => steps.push(last),
        // A number is zero before it is scaled exactly, or checked, where it is zero after.
        (last @ Step::Scale { .. }, step @ (Step::Settle | Step::NotZero)) => {
            add(steps, step);
            steps.push(last);
        }
        (Step::Within { least, most }, step @ (Step::Settle | Step::NotZero)) if least <= 0 && most >= 0 => {
            add(steps, step);
            steps.push(Step::Within { least, most });
        }
        (last, step) => steps.extend([last, step]),
    }
}

fn keep(numbers: &mut [Option<i64>], kept: impl Fn(i64) -> bool) {
    for number in numbers {
        *number = number.filter(|number| kept(*number));
    }
}
