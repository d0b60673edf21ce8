//! Lists, over all their pages.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::answers::Page;
use crate::error::Result;

/// The items of a list, page by page as they are needed. It ends with the last one, or with an
/// error.
pub struct Listing<T> {
    items: BoxStream<'static, Result<T>>,
}

impl<T: Send + 'static> Listing<T> {
    /// `fetch` gets the page that a token names; the first has none.
    pub(crate) fn new<F>(fetch: impl Fn(String) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Page<T>>> + Send + 'static,
    {
        let pages = stream::try_unfold((fetch, Some(String::new())), |(fetch, token)| async {
            let Some(token) = token else { return Ok(None) };
            let page = fetch(token).await?;
            let next = Some(page.next_page_token).filter(|token| !token.is_empty());
            Ok(Some((stream::iter(page.items).map(Ok), (fetch, next))))
        });
        Self {
            items: pages.try_flatten().boxed(),
        }
    }

    /// The next item; None after the last one.
    pub async fn next(&mut self) -> Option<Result<T>> {
        self.items.next().await
    }

    /// All items that are left.
    ///
    /// # Errors
    ///
    /// Those of the list's call.
    pub async fn collect_all(self) -> Result<Vec<T>> {
        self.items.try_collect().await
    }
}

impl<T> Stream for Listing<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(context)
    }
}

impl<T> fmt::Debug for Listing<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    fn page(items: &[u32], next: &str) -> Page<u32> {
        Page {
            items: items.to_vec(),
            next_page_token: next.to_owned(),
            count: None,
        }
    }

    #[tokio::test]
    async fn every_page_is_fetched_and_an_empty_one_is_not_the_last() {
        let listing = Listing::new(|token| async move {
            Ok(match token.as_str() {
                "" => page(&[1, 2], "a"),
                "a" => page(&[], "b"),
                "b" => page(&[3], ""),
                other => panic!("{other}"),
            })
        });
        assert_eq!(listing.collect_all().await.unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_page_is_fetched_when_it_is_needed() {
        let mut listing = Listing::new(|token| async move {
            assert_eq!(token, "", "the second page was not asked for");
            Ok(page(&[1], "a"))
        });
        assert_eq!(listing.next().await.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn an_error_ends_the_list() {
        let mut listing = Listing::new(|token| async move {
            match token.as_str() {
                "" => Ok(page(&[1], "a")),
                _ => Err(Error::new(Code::Unavailable, None, "gone")),
            }
        });
        assert_eq!(listing.next().await.unwrap().unwrap(), 1);
        assert_eq!(
            listing.next().await.unwrap().unwrap_err().code(),
            Code::Unavailable
        );
        assert!(listing.next().await.is_none());
    }
}
