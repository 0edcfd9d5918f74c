//! Pairs out of candidates: each takes the best partner, where there is a best one.

/// Two things that may be one.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    /// Index on the older side.
    pub(super) old: usize,
    /// Index on the newer side.
    pub(super) new: usize,
    /// The greater, the likelier.
    pub(super) score: f64,
    /// Whether it would be certain if there were no other.
    pub(super) sure: bool,
    pub(super) what: T,
}

/// A pair that was chosen.
#[derive(Clone, Debug)]
pub(super) struct Chosen<T> {
    /// Index on the older side.
    pub(super) old: usize,
    /// Index on the newer side.
    pub(super) new: usize,
    /// Whether it is certain.
    pub(super) sure: bool,
    pub(super) what: T,
    /// Others on the older side that may be meant instead, the likeliest first.
    pub(super) old_rivals: Vec<usize>,
    /// Others on the newer side that may be meant instead, the likeliest first.
    pub(super) new_rivals: Vec<usize>,
}

/// By how much the best has to be better than the next, to be certain.
const MARGIN: f64 = 0.1;
/// By how much another one may be worse, to be named beside the best.
const NAMED: f64 = 0.5;

/// Each index at most once, the best candidates first; what has a rival that is nearly as good is not sure.
pub(super) fn choose<T: Clone>(mut candidates: Vec<Candidate<T>>) -> Vec<Chosen<T>> {
    candidates.sort_by(|one, other| {
        (other.sure, other.score)
            .partial_cmp(&(one.sure, one.score))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then((one.old, one.new).cmp(&(other.old, other.new)))
    });
    let mut chosen: Vec<Chosen<T>> = Vec::new();
    for candidate in &candidates {
        let &Candidate { old, new, score, .. } = candidate;
        if chosen.iter().any(|one| one.old == old || one.new == new) {
            continue;
        }
        let rivals = candidates.iter().filter(|other| (other.old == old) != (other.new == new));
        let near: Vec<&Candidate<T>> = rivals.filter(|other| other.score > score - NAMED).collect();
        let rival = near.iter().any(|other| other.score > score - MARGIN);
        chosen.push(Chosen {
            old,
            new,
            sure: candidate.sure && !rival,
            what: candidate.what.clone(),
            old_rivals: near.iter().filter(|other| other.new == new).map(|other| other.old).collect(),
            new_rivals: near.iter().filter(|other| other.old == old).map(|other| other.new).collect(),
        });
    }
    chosen
}

/// The rivals of a pair, to be told behind why it may be one.
pub(super) fn rivals(names: &[String]) -> String {
    const SHOWN: usize = 4;
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    format!("; but it may as well be {}{more}", shown.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(old: usize, new: usize, score: f64) -> Candidate<()> {
        Candidate { old, new, score, sure: true, what: () }
    }

    #[test]
    fn the_best_partner_is_taken_and_each_once() {
        let chosen = choose(vec![candidate(0, 0, 0.5), candidate(0, 1, 0.9), candidate(1, 1, 0.6)]);
        let told: Vec<_> = chosen.iter().map(|one| (one.old, one.new, one.sure)).collect();
        assert_eq!(told, [(0, 1, true)]);
    }

    #[test]
    fn who_has_a_rival_is_not_sure() {
        let chosen = choose(vec![candidate(0, 0, 0.9), candidate(0, 1, 0.85), candidate(2, 2, 0.9)]);
        let told: Vec<_> = chosen.iter().map(|one| (one.old, one.new, one.sure)).collect();
        assert_eq!(told, [(0, 0, false), (2, 2, true)]);
        assert_eq!((&chosen[0].old_rivals, &chosen[0].new_rivals), (&vec![], &vec![1]));
    }
}
