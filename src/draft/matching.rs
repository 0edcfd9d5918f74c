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

/// By how much the best has to be better than the next, to be certain.
const MARGIN: f64 = 0.1;

/// Each index at most once, the best candidates first; what has a rival that is nearly as good is not sure.
pub(super) fn choose<T: Clone>(mut candidates: Vec<Candidate<T>>) -> Vec<Candidate<T>> {
    candidates.sort_by(|one, other| {
        (other.sure, other.score)
            .partial_cmp(&(one.sure, one.score))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then((one.old, one.new).cmp(&(other.old, other.new)))
    });
    let mut chosen: Vec<Candidate<T>> = Vec::new();
    for candidate in &candidates {
        if chosen.iter().any(|one| one.old == candidate.old || one.new == candidate.new) {
            continue;
        }
        let rival = candidates.iter().any(|other| {
            (other.old == candidate.old) != (other.new == candidate.new) && other.score > candidate.score - MARGIN
        });
        chosen.push(Candidate { sure: candidate.sure && !rival, ..candidate.clone() });
    }
    chosen
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
    }
}
