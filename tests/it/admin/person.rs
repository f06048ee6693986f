//! A person with a browser that runs no script.

use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::harness::{ADMIN_TOKEN, Service};

/// A person with a browser; follows no redirect by itself.
pub(crate) struct Person {
    client: Client,
    root: String,
    pub(crate) cookie: String,
}

impl Person {
    pub(crate) fn before(service: &Service) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { client, root: service.url(""), cookie: String::new() }
    }

    pub(crate) async fn signed_in(service: &Service) -> Self {
        let mut person = Self::before(service);
        let answer = person
            .post("/admin/sign-in", &format!("token={}", ADMIN_TOKEN.replace(' ', "+")))
            .await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/admin"));
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/admin"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        cookie.split(';').next().expect("a cookie").clone_into(&mut person.cookie);
        person
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request =
            self.client.get(format!("{}{path}", self.root)).header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("the service answers")
    }

    /// A page that is there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("text")
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Response {
        let request =
            self.client.post(format!("{}{path}", self.root)).header("cookie", &self.cookie);
        let form = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        form.send().await.expect("the service answers")
    }

    /// Clicks the link that has these words in it, and reads what it leads to: the place on the page, where it names one.
    pub(crate) async fn follow(&self, page: &str, words: &str) -> String {
        let (before, _) = page.split_once(words).unwrap_or_else(|| panic!("no {words} in {page}"));
        let (_, link) = before.rsplit_once("<a ").expect("a link is around the words");
        assert!(!link.contains("</a>"), "{words} is not in a link");
        let (_, href) = link.split_once("href=\"").expect("it leads somewhere");
        let href = unescaped(href.split('"').next().expect("it ends"));
        let (path, place) = href.split_once('#').unwrap_or((&href, ""));
        let found = self.page(path).await;
        if place.is_empty() {
            return found;
        }
        let (_, there) = found.split_once(&format!("id=\"{place}\"")).expect("the place is there");
        there.split("</li>").next().expect("it ends").to_owned()
    }

    /// What the forms of a page send along.
    pub(crate) async fn csrf(&self) -> String {
        let page = self.page("/admin").await;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form has one");
        rest.split('"').next().expect("it ends").to_owned()
    }
}

pub(crate) fn location(answer: &Response) -> &str {
    answer.headers()["location"].to_str().expect("text")
}

/// A text of the page as it was before it was escaped for it.
pub(crate) fn unescaped(html: &str) -> String {
    let quotes = html.replace("&#34;", "\"").replace("&#39;", "'");
    quotes.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}
