//! The two spellings of a connection string, as libpq reads them: a URL and `key=value` words.
//!
//! Errors never repeat what they read: any part of a mistyped URL may be a piece of its password.

use percent_encoding::percent_decode_str;

/// Why a connection string could not be taken apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the connection string is neither a URL nor key=value words: write \
         postgresql://user:password@host/database, without quotes and without a command before it"
    )]
    NotPostgres,
    #[error(
        "the URL has an `@` where the host, the port, the database or a parameter should be: in the \
         user name and the password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
    )]
    StrayAt,
    #[error(
        "the URL has a % that is not followed by two hexadecimal digits: write % itself as %25"
    )]
    Percent,
    #[error("the URL has a percent-encoded character that is not UTF-8, or is NUL")]
    Encoding,
    #[error("an IPv6 address in the URL must stand in brackets, like [::1]:5432")]
    Ipv6,
    #[error(
        "a parameter of the connection string has no `=`: write key=value, a space in a value needs quotes"
    )]
    NoValue,
    #[error("a quoted value of the connection string does not end: close it with '")]
    Unterminated,
}

/// The keys and values of a connection string, in the order written; a later one overrides.
pub(crate) type Pairs = Vec<(String, String)>;

/// Takes a URL or `key=value` words apart; an empty text is an empty list.
pub(crate) fn pairs(text: &str) -> Result<Pairs, Error> {
    let text = text.trim();
    let url = text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"));
    match url {
        Some(rest) => url_pairs(rest),
        None if text.is_empty() => Ok(Pairs::new()),
        None if begins_with_a_key(text) => word_pairs(text),
        None => Err(Error::NotPostgres),
    }
}

fn url_pairs(rest: &str) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    let (userinfo, rest) = split_userinfo(rest);
    if let Some(userinfo) = userinfo {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        pairs.push(("user".to_owned(), decode(user)?));
        pairs.push(("password".to_owned(), decode(password)?));
    }
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    if (userinfo.is_none() || !location.contains('/')) && ends_with_a_host(query) {
        return Err(Error::StrayAt);
    }
    let (hosts, database) = location.split_once('/').unwrap_or((location, ""));
    if database.contains('@') {
        return Err(Error::StrayAt);
    }
    let (hosts, ports) = split_hosts(hosts)?;
    pairs.push(("host".to_owned(), decode(&hosts)?));
    pairs.push(("port".to_owned(), decode(&ports)?));
    pairs.push(("dbname".to_owned(), decode(database)?));
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter.split_once('=').ok_or(Error::NoValue)?;
        pairs.push((decode(key)?, decode(value)?));
    }
    Ok(pairs)
}

/// Splits at the last `@` before the path, so that a raw `@` in a password stays in the password
/// instead of becoming a piece of the host's name, which is logged.
fn split_userinfo(rest: &str) -> (Option<&str>, &str) {
    let Some(first) = rest.find(['@', '/']).filter(|at| rest[*at..].starts_with('@')) else {
        return (None, rest);
    };
    let end = rest[first..].find(['/', '?']).map_or(rest.len(), |length| first + length);
    let at = rest[..end].rfind('@').unwrap_or(first);
    (Some(&rest[..at]), &rest[at + 1..])
}

/// Whether a query is a raw `?` of a password and what comes after it: `…@host/database`.
fn ends_with_a_host(query: &str) -> bool {
    let host = query.rsplit_once('@').and_then(|(_, rest)| rest.split_once('/'));
    host.is_some_and(|(host, _)| !host.is_empty() && !host.contains(['&', '=']))
}

/// `a:1,[::1]:2,c` becomes `a,::1,c` and `1,2,`; ports are left out when no host names one.
fn split_hosts(hosts: &str) -> Result<(String, String), Error> {
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(bracketed) => {
                let (name, port) = bracketed.split_once(']').ok_or(Error::Ipv6)?;
                if !port.is_empty() && !port.starts_with(':') {
                    return Err(Error::Ipv6);
                }
                (name, port.trim_start_matches(':'))
            }
            None => host.split_once(':').unwrap_or((host, "")),
        };
        if port.contains(':') {
            return Err(Error::Ipv6);
        }
        names.push(name);
        ports.push(port);
    }
    let unsaid = ports.iter().all(|port| port.is_empty());
    Ok((names.join(","), if unsaid { String::new() } else { ports.join(",") }))
}

fn decode(text: &str) -> Result<String, Error> {
    // Checked first, because the decoder takes a `%` without digits for itself.
    if !text.split('%').skip(1).all(begins_with_two_digits) {
        return Err(Error::Percent);
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| Error::Encoding)?;
    if decoded.contains('\0') { Err(Error::Encoding) } else { Ok(decoded.into_owned()) }
}

fn begins_with_two_digits(text: &str) -> bool {
    text.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

fn begins_with_a_key(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, _)| is_word(key.trim_end()))
}

/// Whether a text can be the name of a parameter.
fn is_word(text: &str) -> bool {
    let letter = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    (1..=40).contains(&text.len()) && text.chars().all(letter)
}

fn word_pairs(text: &str) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=').ok_or(Error::NoValue)?;
        let key = key.trim_end();
        if key.contains(char::is_whitespace) {
            return Err(Error::NoValue);
        }
        let (value, tail) = word(value.trim_start())?;
        pairs.push((key.to_owned(), value));
        rest = tail.trim_start();
    }
    Ok(pairs)
}

/// Reads one value, quoted or not, and gives back what follows it.
fn word(text: &str) -> Result<(String, &str), Error> {
    let quoted = text.starts_with('\'');
    let body = if quoted { &text[1..] } else { text };
    let mut value = String::new();
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\0' => return Err(Error::Encoding),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &body[at + 1..])),
            space if !quoted && space.is_whitespace() => return Ok((value, &body[at..])),
            other => value.push(other),
        }
    }
    if quoted { Err(Error::Unterminated) } else { Ok((value, "")) }
}
