//! What somebody may have meant by a name that does not exist.

/// The name that is nearest to this word, where one is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|name| (distance(word, name), name)).min()?;
    Some(near).filter(|(distance, name)| *distance <= most(name)).map(|(_, name)| name)
}

/// How many letters may be wrong. In a short name two make another word.
const fn most(name: &str) -> usize {
    match name.len() {
        0..5 => 1,
        5..12 => 2,
        letters => letters / 4,
    }
}

/// How many letters must be put in, taken out or changed (Levenshtein).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_meant_where_few_letters_are_wrong() {
        let names = ["bus", "dev", "store", "api-key", "token-secret"];
        for (word, meant) in [
            ("storre", Some("store")),
            ("stroe", Some("store")),
            ("bu", Some("bus")),
            ("apikey", Some("api-key")),
            ("tokn-sercet", Some("token-secret")),
            ("key", None),
            ("port", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }
}
