//! Pagination with opaque tokens.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::error::refuse;
use super::input::Input;
use super::json::insert;
use crate::sim::api::{Answer, ApiError};

/// Turns an offset into a token that is valid for one listing only.
fn token(listing: &str, offset: usize) -> String {
    format!("{:016x}{:08x}", checksum(listing, offset), offset ^ 0x5eed_1de5)
}

/// A checksum of a listing and a position in it.
pub(super) fn checksum(listing: &str, position: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (listing, position).hash(&mut hasher);
    hasher.finish()
}

/// A page of `all` and the token of the next page. `None` if `given` is not a token of this listing.
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

/// A page as an answer of ECS: `{NAME: […], "nextToken": …}`. `size` is the default of maxResults.
pub(super) fn ecs_page(name: &str, listing: &str, all: Vec<Value>, input: Input<'_>, size: usize) -> Answer {
    let size = match input.int("maxResults") {
        None => size,
        Some(n @ 1..=100) => n as usize,
        Some(_) => {
            return Err(refuse("InvalidParameterException", "maxResults must be between 1 and 100."));
        }
    };
    let invalid_token = || refuse("InvalidParameterException", "Invalid token.");
    let next = page(listing, all, input.text("nextToken"), size).ok_or_else(invalid_token)?;
    Ok(page_json(name, "nextToken", next))
}

/// A page as an answer of ELBv2: `{NAME: […], "NextMarker": …}`.
pub(super) fn elb_page(name: &str, listing: &str, all: Vec<Value>, input: Input<'_>) -> Answer {
    let size = match input.int("PageSize") {
        None => 400,
        Some(n @ 1..=400) => n as usize,
        Some(_) => {
            return Err(refuse("ValidationError", "PageSize must be between 1 and 400"));
        }
    };
    let invalid_marker = || refuse("ValidationError", "Invalid marker");
    let next = page(listing, all, input.text("Marker"), size).ok_or_else(invalid_marker)?;
    Ok(page_json(name, "NextMarker", next))
}

/// A page as an answer of CloudWatch Logs: `{NAME: […], "nextToken": …}`.
pub(super) fn logs_page(name: &str, listing: &str, all: Vec<Value>, input: Input<'_>) -> Answer {
    let size = logs_limit(input, 50)?;
    let invalid_token = || refuse("InvalidParameterException", "The specified nextToken is invalid.");
    let next = page(listing, all, input.text("nextToken"), size).ok_or_else(invalid_token)?;
    Ok(page_json(name, "nextToken", next))
}

/// The `limit` of a CloudWatch Logs input.
pub(super) fn logs_limit(input: Input<'_>, most: usize) -> Result<usize, ApiError> {
    let Some(n) = input.int("limit") else {
        return Ok(most);
    };
    usize::try_from(n).ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| {
        refuse("InvalidParameterException", format!("1 validation error detected: Value '{n}' at 'limit' failed to satisfy constraint: Member must be between 1 and {most}"))
    })
}

fn page_json(name: &str, token_name: &str, (items, next): (Vec<Value>, Option<String>)) -> Value {
    let mut out = json!({name: items});
    if let Some(next) = next {
        insert(&mut out, token_name, json!(next));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_all_items_and_tokens_of_other_listings_are_refused() {
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
