//! Lists that come a page at a time.

use std::collections::HashSet;
use std::future::Future;

use crate::domain::fault::{Fault, FaultKind};

use super::operation::Operation;

/// More pages than any account has: a list that goes on beyond them does not end.
const MOST_PAGES: usize = 500;

/// More items than any list has that is read to its end.
const MOST_ITEMS: usize = 20_000;

/// Reads page after page, each from the token of the one before, until the last or until `cap` items are there.
pub(super) async fn pages<T, Page, Answer>(operation: Operation, cap: usize, mut page: Page) -> Result<Vec<T>, Fault>
where
    Page: FnMut(Option<String>) -> Answer,
    Answer: Future<Output = Result<(Vec<T>, Option<String>), Fault>>,
{
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    let mut seen = HashSet::new();
    for _ in 0..MOST_PAGES {
        let (items, next) = page(token.clone()).await?;
        all.extend(items);
        if all.len() >= cap {
            all.truncate(cap);
            return Ok(all);
        }
        // Some endpoints end a list with an empty token instead of none.
        let next = next.filter(|next| !next.is_empty());
        let Some(next) = next else { return Ok(all) };
        if all.len() > MOST_ITEMS || !seen.insert(next.clone()) {
            break;
        }
        token = Some(next);
    }
    Err(Fault::new(FaultKind::Garbled, operation.name(), "the whole list", "the pages of this list do not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(all: &[(&[u8], &str)], cap: usize) -> Result<Vec<u8>, FaultKind> {
        let mut pages_left = all.iter();
        let answer = pages(Operation::ListServices, cap, |_| {
            let page = pages_left.next().map(|(items, next)| (items.to_vec(), Some((*next).to_owned())));
            std::future::ready(Ok(page.unwrap_or_default()))
        });
        answer.await.map_err(|fault| fault.kind)
    }

    #[tokio::test]
    async fn lists_are_read_to_their_end_or_to_the_cap() {
        let all: [(&[u8], &str); 3] = [(&[1, 2], "a"), (&[3], "b"), (&[4], "")];
        assert_eq!(read(&all, 100).await, Ok(vec![1, 2, 3, 4]));
        assert_eq!(read(&all, 3).await, Ok(vec![1, 2, 3]));
        assert_eq!(read(&[], 3).await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_list_that_repeats_its_token_is_not_read_for_ever() {
        let all: [(&[u8], &str); 3] = [(&[1], "a"), (&[1], "a"), (&[1], "a")];
        assert_eq!(read(&all, 100).await, Err(FaultKind::Garbled));
        let round: [(&[u8], &str); 4] = [(&[1], "a"), (&[1], "b"), (&[1], "a"), (&[1], "b")];
        assert_eq!(read(&round, 100).await, Err(FaultKind::Garbled));
        let many = vec![1; MOST_ITEMS + 1];
        assert_eq!(read(&[(&many, "a"), (&many, "b")], usize::MAX).await, Err(FaultKind::Garbled));
    }
}
