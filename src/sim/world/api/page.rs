//! Pages and their opaque tokens.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Turns an offset into a token that only this listing understands.
fn token(listing: &str, offset: usize) -> String {
    format!("{:016x}{:08x}", check(listing, offset), offset ^ 0x5eed_1de5)
}

/// Ties a place in a listing to that listing.
pub(super) fn check(listing: &str, offset: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (listing, offset).hash(&mut hasher);
    hasher.finish()
}

/// One page of `all`, and the token of the next. `None` when the token is not one of this listing.
pub(super) fn page<T>(
    listing: &str,
    all: Vec<T>,
    given: Option<&str>,
    size: usize,
) -> Option<(Vec<T>, Option<String>)> {
    let offset = match given {
        None => 0,
        Some(given) => {
            let offset = usize::from_str_radix(given.get(16..)?, 16).ok()? ^ 0x5eed_1de5;
            (token(listing, offset) == given).then_some(offset)?
        }
    };
    let total = all.len();
    let page: Vec<T> = all.into_iter().skip(offset).take(size).collect();
    let end = offset.saturating_add(page.len());
    Some((page, (end < total).then(|| token(listing, end))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_up_and_foreign_tokens_are_refused() {
        let all: Vec<_> = (0..25).collect();
        let (mut seen, mut next) = (Vec::new(), None::<String>);
        loop {
            let (items, token) = page("list", all.clone(), next.as_deref(), 10).unwrap();
            assert!(items.len() <= 10);
            seen.extend(items);
            next = token;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        let (_, token) = page("list", all.clone(), None, 10).unwrap();
        assert!(page("another", all.clone(), token.as_deref(), 10).is_none());
        for nonsense in ["", "x", "zzzzzzzzzzzzzzzzzzzzzzzz", "päpäpäpäpäpäpäpäpäp"] {
            assert!(page("list", all.clone(), Some(nonsense), 10).is_none());
        }
    }
}
