//! "Did you mean".

/// What was expected in place of `name`: the nearest of `known`, or all of them if they are few.
pub(super) fn expected(name: &str, known: &[String], what: &str) -> String {
    let mut nearest: Vec<(usize, &String)> = known
        .iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(1))
        .collect();
    nearest.sort();
    if let Some((_, best)) = nearest.first() {
        return format!("{what}; did you mean `{best}`?");
    }
    if known.is_empty() || known.len() > 12 {
        return what.to_owned();
    }
    let mut names: Vec<&str> = known.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    format!("{what}: {}", names.join(", "))
}

/// Letters to insert, drop, change or exchange with their neighbour to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let changed = rows[i][j] + usize::from(letter != other);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == to[j - 1] && from[i - 1] == *other {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["own_vq".to_owned(), "group_vc".to_owned()];
        assert_eq!(expected("own_qv", &known, "a name"), "a name; did you mean `own_vq`?");
        assert_eq!(expected("Group_VC", &known, "a name"), "a name; did you mean `group_vc`?");
        assert_eq!(expected("legs", &known, "a name"), "a name: group_vc, own_vq");
    }
}
