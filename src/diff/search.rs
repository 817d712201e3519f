//! Which of many differences decide something: delta debugging (Zeller, Hildebrandt: Simplifying and
//! isolating failure-inducing input, 2002).

/// A part of `all` that still satisfies `holds`, from which nothing more can be left out alone. `all` must
/// satisfy it. `None` if `holds` gave up, which it says by `None`.
pub(super) fn minimal(
    all: &[usize],
    mut holds: impl FnMut(&[usize]) -> Option<bool>,
) -> Option<Vec<usize>> {
    let mut left = all.to_vec();
    let mut parts = 2;
    while left.len() > 1 {
        let size = left.len().div_ceil(parts);
        let mut smaller = None;
        for chunk in left.chunks(size) {
            if holds(chunk)? {
                smaller = Some((chunk.to_vec(), 2));
                break;
            }
        }
        if smaller.is_none() && parts > 2 {
            for chunk in left.chunks(size) {
                let rest: Vec<_> = left.iter().copied().filter(|i| !chunk.contains(i)).collect();
                if holds(&rest)? {
                    smaller = Some((rest, (parts - 1).max(2)));
                    break;
                }
            }
        }
        match smaller {
            Some(found) => (left, parts) = found,
            None if parts >= left.len() => break,
            None => parts = (parts * 2).min(left.len()),
        }
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::minimal;

    #[test]
    fn what_decides_is_left() {
        let all: Vec<_> = (0..100).collect();
        for wanted in [vec![7], vec![3, 99], vec![0, 50, 51, 98]] {
            let mut asked = 0;
            let found = minimal(&all, |some| {
                asked += 1;
                Some(wanted.iter().all(|i| some.contains(i)))
            });
            assert_eq!(found.unwrap(), wanted);
            assert!(asked < 200, "{asked}");
        }
        let either = minimal(&all, |some| Some(some.contains(&4) || some.contains(&80))).unwrap();
        assert_eq!(either.len(), 1);
        assert_eq!(minimal(&all, |_| None), None);
    }
}
