//! A strict reader of our own HTML, and of what a client's search for addresses and ids would find.

/// What a formatted body shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The text of each line, unescaped.
    pub(crate) lines: Vec<String>,
    /// The targets of its links, unescaped.
    pub(crate) links: Vec<String>,
}

/// Reads `html`, which may hold `strong`, `a href` and `br`, nothing within one another, and the five entities.
pub(crate) fn read(html: &str) -> Result<Shown, String> {
    let mut shown = Shown { lines: vec![String::new()], links: Vec::new() };
    let mut open = None;
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        push(&mut shown, &rest[..at])?;
        let (tag, after) = rest[at + 1..].split_once('>').ok_or("a tag without an end")?;
        open = tag_read(&mut shown, open, tag)?;
        rest = after;
    }
    push(&mut shown, rest)?;
    open.map_or(Ok(shown), |name| Err(format!("{name} is not closed")))
}

fn tag_read(
    shown: &mut Shown,
    open: Option<&'static str>,
    tag: &str,
) -> Result<Option<&'static str>, String> {
    match (open, tag) {
        (None, "br") => {
            shown.lines.push(String::new());
            Ok(None)
        }
        (None, "strong") => Ok(Some("strong")),
        (Some("strong"), "/strong") | (Some("a"), "/a") => Ok(None),
        (None, tag) => {
            let href = tag.strip_prefix("a href=\"").and_then(|tag| tag.strip_suffix('"'));
            shown.links.push(unescape(href.ok_or_else(|| format!("<{tag}>"))?)?);
            Ok(Some("a"))
        }
        (Some(name), tag) => Err(format!("<{tag}> within {name}")),
    }
}

fn push(shown: &mut Shown, text: &str) -> Result<(), String> {
    let line = shown.lines.last_mut().ok_or("no line")?;
    line.push_str(&unescape(text)?);
    Ok(())
}

fn unescape(text: &str) -> Result<String, String> {
    if text.contains(['<', '>', '"', '\'', '\n']) {
        return Err(format!("not escaped: {text}"));
    }
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';').ok_or_else(|| format!("&{part}"))?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            _ => return Err(format!("&{entity};")),
        });
        out.push_str(after);
    }
    Ok(out)
}

/// What a client's search would make an address, a mention or a pill of, if anything.
///
/// No search reaches across a blank, a joiner or an isolate: what is left between them must be no id or address.
pub(crate) fn active(text: &str) -> Option<String> {
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, '\u{2060}' | '\u{2068}' | '\u{2069}'));
    parts.into_iter().find(|part| is_id(part) || is_address(part)).map(str::to_owned)
}

/// A sigil with something behind it; `+3` is ours.
fn is_id(part: &str) -> bool {
    let ours = part.strip_prefix('+').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let sigil = part.find(['@', '#', '!', '$', '+']);
    !ours && sigil.is_some_and(|at| at + 1 < part.len())
}

/// A scheme (it begins with a letter, RFC 3986) with something behind it, a host with a top-level domain, an IPv4 address.
fn is_address(part: &str) -> bool {
    let begins_as_scheme = part.starts_with(|c: char| c.is_alphabetic());
    let scheme = begins_as_scheme && part.find(':').is_some_and(|at| at + 1 < part.len());
    let host = part
        .match_indices('.')
        .any(|(at, _)| at > 0 && part[at + 1..].starts_with(|c: char| c.is_alphabetic()));
    let labels: Vec<_> = part.split('.').collect();
    let ip = labels.windows(4).any(|labels| is_ip(labels[0], &labels[1..3], labels[3]));
    scheme || host || ip || part.contains("www.")
}

fn is_ip(first: &str, middle: &[&str], last: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    first.ends_with(digit) && middle.iter().all(|n| n.chars().all(digit)) && last.starts_with(digit)
}

#[test]
fn the_reader_reads_what_we_write() {
    let shown =
        read(r#"a<strong>&lt;b&gt;</strong><br>on <a href="https://h/?a&amp;b">c&#39;d</a>"#).unwrap();
    assert_eq!(shown.lines, ["a<b>", "on c'd"]);
    assert_eq!(shown.links, ["https://h/?a&b"]);
}

#[test]
fn the_reader_refuses_everything_else() {
    for html in [
        "<img src=x onerror=alert(1)>",
        "<h1>x</h1>",
        "<a href='https://h/'>x</a>",
        r#"<a href="https://h/" target="x">x</a>"#,
        r#"<a href="https://h/""#,
        r#"<a href="x">y"#,
        "<strong>x",
        "<strong><strong>x</strong></strong>",
        "<strong>x</a>",
        "</strong>",
        "<br/>",
        "<!-- -->",
        "a > b",
        "a \" b",
        "it's",
        "a & b",
        "&nbsp;",
        "&#64;room",
        "a\nb",
    ] {
        assert!(read(html).is_err(), "{html}");
    }
}

#[test]
fn the_search_finds_what_clients_find() {
    for text in [
        "@room",
        "x @room!",
        "@a:b.c",
        "#a:b",
        "!abc",
        "$abc",
        "+a:b",
        "a@b.c",
        "https://h",
        "matrix:u/a",
        "mailto:a",
        "www.1und1",
        "evil.com",
        "see 10.0.0.7",
        "v1.2.3.4-x",
        "evil.рф",
        "+3a",
        "\u{2068}@room\u{2069}",
    ] {
        assert!(active(text).is_some(), "{text}");
    }
    for text in
        ["@\u{2060}room", "a: b", "done!", "release/1.2.3", "C# x", ".github", "x +3", "\u{2060}:\u{2060}//h"]
    {
        assert_eq!(active(text), None, "{text}");
    }
}
