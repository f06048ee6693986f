//! A walk over all users, page by page, that survives the loss of its cursor.

use super::{Client, Error, Page};

/// Where a walk stands.
#[derive(Debug, Default)]
pub struct Walk {
    /// The cursors that were followed; the last leads to the next page.
    cursors: Vec<String>,
    ended: bool,
}

impl Walk {
    /// Goes on where another one stood.
    pub fn resume(cursor: Option<String>) -> Self {
        Self { cursors: cursor.into_iter().collect(), ended: false }
    }

    /// The cursor of the next page; `None` before the first.
    pub fn cursor(&self) -> Option<&str> {
        self.cursors.last().map(String::as_str)
    }

    /// The next page; `None` after the last.
    pub async fn next(&mut self, client: &Client) -> Result<Option<Page>, Error> {
        if self.ended {
            return Ok(None);
        }
        let page = match client.page(self.cursor()).await {
            Ok(page) if page.users.is_empty() && page.unreadable == 0 => {
                self.step_back(client, Ok(page)).await?
            }
            Err(error) if error.is_rejection() => self.step_back(client, Err(error)).await?,
            page => page?,
        };
        self.advance(&page);
        Ok(Some(page))
    }

    /// A cursor is a user's id. Where that user is deleted meanwhile, the API answers with an empty page or an error as if
    /// the walk was over, so the page before it is asked for a new cursor.
    async fn step_back(
        &mut self,
        client: &Client,
        lost: Result<Page, Error>,
    ) -> Result<Page, Error> {
        while let Some(cursor) = self.cursors.pop() {
            match client.page(self.cursor()).await {
                // Nothing was lost: the walk is over, or the API is at fault.
                Ok(page) if page.next.as_ref() == Some(&cursor) => {
                    self.cursors.push(cursor);
                    return lost;
                }
                Ok(page) if page.users.is_empty() && !self.cursors.is_empty() => {}
                Err(error) if error.is_rejection() && !self.cursors.is_empty() => {}
                page => return page,
            }
        }
        lost
    }

    fn advance(&mut self, page: &Page) {
        match &page.next {
            // A cursor that leads where we have been would lead in a circle.
            Some(next) if !self.cursors.contains(next) => self.cursors.push(next.clone()),
            _ => self.ended = true,
        }
    }
}
