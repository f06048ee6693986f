//! What an API answers: its pages, and the names of its errors.

use http::{HeaderMap, header};
use reqwest::Url;

use crate::json::{Object, Unreadable};

/// The answer to a request for a page.
pub struct Answer<'a> {
    pub text: &'a str,
    headers: &'a HeaderMap,
}

/// One page of a list.
pub struct Page<'a> {
    pub items: Vec<Object<'a>>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
    /// The number of entries in the whole list, if the answer contains it.
    pub total: Option<u64>,
}

/// Reads the page after a cursor, or the first one.
pub type PageOf = for<'a> fn(&Answer<'a>, Option<&str>) -> Result<Page<'a>, Unreadable>;

impl<'a> Answer<'a> {
    pub fn new(text: &'a str, headers: &'a HeaderMap) -> Self {
        Self { text, headers }
    }

    /// This parameter of the link to the next page; `None` if there is no such link. Only the parameter is used: the
    /// host of a link is whatever a proxy made of it.
    pub fn linked(&self, parameter: &'static str) -> Result<Option<String>, Unreadable> {
        let values = self.headers.get_all(header::LINK).iter();
        let links = values.filter_map(|value| value.to_str().ok()).flat_map(links);
        let Some((target, _)) = links.into_iter().find(|(_, about)| is_next(about)) else {
            return Ok(None);
        };
        // A link may be relative.
        let base = Url::parse("http://localhost").ok();
        let target = base.and_then(|base| base.join(target).ok());
        let value = target.and_then(|target| {
            let found = target.query_pairs().find(|(name, _)| name == parameter);
            found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
        });
        let expected = "a link that names the next page";
        value.map(Some).ok_or(Unreadable::Unexpected { field: "Link", expected })
    }

    /// The number in a header, such as that of all entries.
    pub fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.trim().parse().ok()
    }
}

/// The targets in the value of a `Link` header, each with the text of its parameters.
fn links(value: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((target, after)) =
        rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'))
    {
        // A comma in quotes does not end the parameters.
        let mut is_quoted = false;
        let end = after.find(|c| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        });
        let (about, others) = after.split_at(end.unwrap_or(after.len()));
        links.push((target, about));
        rest = others;
    }
    links
}

fn is_next(about: &str) -> bool {
    about.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel")
            && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// The error's name in `code`, or in `code` of the first of `errors`.
pub fn code(error: &Object<'_>) -> Option<String> {
    let nested = || error.objects("errors").ok()?.first()?.filled("code").ok().flatten();
    error.filled("code").ok().flatten().or_else(nested)
}
