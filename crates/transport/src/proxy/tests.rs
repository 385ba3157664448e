use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables: Vec<(String, String)> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Environment::from_lookup(|name| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into())
    })
}

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().expect("URL")).expect("an origin")
}

#[track_caller]
fn check_choice(variables: &[(&str, &str)], url: &str, want: Option<&str>) {
    let proxies = Proxies::from_environment(&environment(variables)).expect("proxies");
    let got = proxies.of(&origin(url)).map(ToString::to_string);
    assert_eq!(got.as_deref(), want, "{variables:?} {url}");
}

#[test]
fn the_environment_chooses() {
    let (http, https) = ("http://r.example/", "https://r.example/");
    check_choice(&[], https, None);
    check_choice(&[("HTTPS_PROXY", "p:1")], https, Some("http://p:1"));
    check_choice(&[("HTTPS_PROXY", "p:1")], http, None);
    check_choice(&[("https_proxy", "p:1")], https, Some("http://p:1"));
    check_choice(&[("HTTP_PROXY", "p:1")], http, Some("http://p:1"));
    check_choice(&[("HTTP_PROXY", "p:1")], https, None);
    check_choice(&[("http_proxy", "p:1")], http, Some("http://p:1"));
    check_choice(
        &[("HTTPS_PROXY", "upper:1"), ("https_proxy", "lower:1")],
        https,
        Some("http://upper:1"),
    );
    check_choice(
        &[("HTTPS_PROXY", ""), ("https_proxy", "lower:1")],
        https,
        Some("http://lower:1"),
    );
    check_choice(&[("ALL_PROXY", "socks5://p")], https, Some("socks5://p:1080"));
    check_choice(&[("all_proxy", "socks5h://p:9")], http, Some("socks5://p:9"));
    check_choice(
        &[("ALL_PROXY", "all:1"), ("HTTP_PROXY", "own:1")],
        http,
        Some("http://own:1"),
    );
    // A CGI server sets `HTTP_PROXY` from the header `Proxy` of whoever asks it.
    let cgi = ("REQUEST_METHOD", "GET");
    check_choice(&[cgi, ("HTTP_PROXY", "p:1")], http, None);
    check_choice(
        &[cgi, ("HTTP_PROXY", "evil:1"), ("http_proxy", "p:1")],
        http,
        Some("http://p:1"),
    );
    check_choice(&[cgi, ("HTTPS_PROXY", "p:1")], https, Some("http://p:1"));
    // This machine.
    for url in [
        "http://localhost/",
        "https://a.localhost/",
        "http://127.0.0.1:5000/",
        "http://127.8.8.8/",
        "https://[::1]:5000/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        check_choice(&[("ALL_PROXY", "p:1")], url, None);
    }
    check_choice(&[("ALL_PROXY", "p:1"), ("NO_PROXY", "r.example")], https, None);
    check_choice(
        &[("ALL_PROXY", "p:1"), ("no_proxy", "r.example:443")],
        https,
        None,
    );
    check_choice(
        &[("ALL_PROXY", "p:1"), ("no_proxy", "r.example:443")],
        http,
        Some("http://p:1"),
    );
}

#[track_caller]
fn check_covers(list: &str, url: &str, want: bool) {
    assert_eq!(NoProxy::parse(list).covers(&origin(url)), want, "{list} {url}");
}

#[test]
fn exceptions() {
    let host = "https://a.example.com/";
    check_covers("", host, false);
    check_covers("*", host, true);
    check_covers("*:443", host, true);
    check_covers("*:80", host, false);
    check_covers("a.example.com", host, true);
    check_covers("A.Example.COM.", host, true);
    check_covers("example.com", host, true);
    check_covers(".example.com", host, true);
    check_covers("*.example.com", host, true);
    check_covers("com", host, true);
    check_covers("ample.com", host, false);
    check_covers("b.a.example.com", host, false);
    check_covers("*ample.com", host, false);
    check_covers("example.com", "https://example.com/", true);
    check_covers(".example.com", "https://example.com/", false);
    check_covers("*.example.com", "https://example.com/", false);
    check_covers("example.com", "https://notexample.com/", false);
    check_covers("example.com:443", host, true);
    check_covers("example.com:5000", host, false);
    check_covers("example.com:5000", "https://a.example.com:5000/", true);
    check_covers("example.com:0", host, false);
    check_covers("example.com:x", host, false);
    check_covers(" x.example , example.com ", host, true);
    check_covers("x.example example.com", host, true);
    check_covers(",,.,:,*.,example.com", host, true);
    check_covers(",,.,:,*.", host, false);
    check_covers("bücher.example", "https://xn--bcher-kva.example/", true);
    check_covers("10.0.0.1", "http://10.0.0.1/", true);
    check_covers("10.0.0.1", "http://10.0.0.1:5000/", true);
    check_covers("10.0.0.1:5000", "http://10.0.0.1:5000/", true);
    check_covers("10.0.0.1:5000", "http://10.0.0.1/", false);
    check_covers("10.0.0.1", "http://10.0.0.11/", false);
    check_covers("0.0.1", "http://10.0.0.1/", false);
    check_covers("10.0.0.0/8", "http://10.1.2.3:5000/", true);
    check_covers("10.0.0.0/8", "http://11.1.2.3/", false);
    check_covers("10.0.0.0/8", "http://[::ffff:10.1.2.3]/", true);
    check_covers("10.0.0.0/99", "http://10.1.2.3/", false);
    check_covers("10.0.0.0/8", "http://167772161/", true);
    check_covers("::1", "http://[fd00::1]/", false);
    check_covers("fd00::1", "http://[fd00::1]/", true);
    check_covers("[fd00::1]", "http://[fd00::1]/", true);
    check_covers("[fd00::1]:80", "http://[fd00::1]/", true);
    check_covers("[fd00::1]:81", "http://[fd00::1]/", false);
    check_covers("fd00::/8", "http://[fd00::1]/", true);
    check_covers("fd00::/8", "http://[fe00::1]/", false);
}

/// A proxy without its credential, and that.
type Parts<'a> = (&'a str, Option<(&'a str, &'a str)>);

#[track_caller]
fn check_proxy(text: &str, want: Result<Parts<'_>, ParseProxyError>) {
    let got = text.parse::<Proxy>();
    let got = got
        .as_ref()
        .map(|proxy| (proxy.to_string(), proxy.credential()))
        .map_err(|error| *error);
    let want = want.map(|(text, credential)| (text.to_owned(), credential));
    assert_eq!(got, want, "{text}");
}

#[test]
fn proxies_are_read() {
    use ParseProxyError::{Credential, Malformed, Scheme};
    check_proxy("proxy:3128", Ok(("http://proxy:3128", None)));
    check_proxy("proxy", Ok(("http://proxy:80", None)));
    check_proxy(" http://PROXY.example./ ", Ok(("http://proxy.example:80", None)));
    check_proxy("https://proxy", Ok(("https://proxy:443", None)));
    check_proxy("socks5://proxy", Ok(("socks5://proxy:1080", None)));
    check_proxy("10.0.0.1:3128", Ok(("http://10.0.0.1:3128", None)));
    check_proxy("http://[::1]:3128", Ok(("http://[::1]:3128", None)));
    check_proxy(
        "user:p%40ss@proxy:1",
        Ok(("http://proxy:1", Some(("user", "p@ss")))),
    );
    check_proxy("http://user@proxy", Ok(("http://proxy:80", Some(("user", "")))));
    check_proxy(
        "socks5://u:p@[::1]",
        Ok(("socks5://[::1]:1080", Some(("u", "p")))),
    );
    check_proxy("", Err(Malformed));
    check_proxy("http://", Err(Malformed));
    check_proxy("http://proxy:0", Err(Malformed));
    check_proxy("http://proxy:99999", Err(Malformed));
    check_proxy("ftp://proxy", Err(Scheme));
    check_proxy("socks4://proxy", Err(Scheme));
    check_proxy("http://a%3Ab:c@proxy", Err(Credential));
    check_proxy("http://%ff:c@proxy", Err(Credential));
    check_proxy(&format!("socks5://u:{}@proxy", "p".repeat(256)), Err(Credential));
}

#[test]
fn secrets_are_not_shown() {
    let proxy: Proxy = "http://user:hunter2@proxy:1".parse().expect("a proxy");
    assert_eq!(
        format!("{proxy} {proxy:?}"),
        "http://proxy:1 Proxy(http://proxy:1)"
    );
    let header = proxy.authorization().expect("credentials");
    assert!(header.is_sensitive());
    assert_eq!(header, "Basic dXNlcjpodW50ZXIy");
    let environment = environment(&[("HTTPS_PROXY", "ftp://user:hunter2@proxy:1")]);
    let error = Proxies::from_environment(&environment).expect_err("no proxy");
    assert_eq!(error.to_string(), "HTTPS_PROXY");
    assert!(!format!("{environment:?} {error:?}").contains("hunter2"));
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,60}", list in "[a-z0-9.:/*,\\[\\] ]{0,60}") {
        let _ = text.parse::<Proxy>();
        let _ = NoProxy::parse(&text);
        let _ = NoProxy::parse(&list).covers(&origin("https://a.example.com/"));
    }
}
