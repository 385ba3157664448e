use proptest::prelude::*;

use super::load::prefix_of;
use super::*;
use crate::mirror::{ConfigError, Prefix, Rule, UpstreamFor};
use crate::settings::{PlainHttp, Verification};

fn parse(text: &str) -> HostsToml {
    HostsToml::parse(text, "d/hosts.toml").expect("a configuration")
}

fn rule(text: &str) -> Rule {
    parse(text)
        .rule("a.example".parse().expect("a prefix"))
        .expect("no files to read")
}

#[test]
fn hosts_in_the_order_as_written() {
    let rule = rule(
        r#"
        server = "https://upstream.example"
        [host."https://z.example"]
        capabilities = ["pull", "resolve"]
        [host."https://a.example"]
        capabilities = ["PULL"]
        [host."http://m.example:5000"]
        [host."https://a.example".header]
        x-one = "1"
        x-more = ["2", "3"]
        "#,
    );
    let hosts: Vec<_> = rule
        .mirrors()
        .iter()
        .filter_map(|mirror| mirror.registry())
        .collect();
    assert_eq!(
        hosts.iter().map(|host| host.as_str()).collect::<Vec<_>>(),
        ["z.example", "a.example", "m.example:5000"]
    );
    let can: Vec<_> = rule
        .mirrors()
        .iter()
        .map(|mirror| mirror.capabilities())
        .map(|can| (can.pull, can.resolve, can.push))
        .collect();
    assert_eq!(
        can,
        [(true, true, false), (true, false, false), (true, true, true)]
    );
    let headers = rule.mirrors()[1].headers();
    assert_eq!(
        headers.get("x-one").map(|value| value.as_bytes()),
        Some(&b"1"[..])
    );
    assert_eq!(headers.get_all("x-more").iter().count(), 2);
    assert_eq!(rule.mirrors()[2].plain_http(), Some(PlainHttp::Only));
    let (upstream, reach) = rule.upstream().expect("a server");
    assert_eq!(
        upstream.registry().map(|registry| registry.as_str()),
        Some("upstream.example")
    );
    assert_eq!(reach, UpstreamFor::Everything);
}

#[test]
fn the_top_is_for_the_server() {
    let rule = rule("capabilities = [\"pull\"]\nskip_verify = true\nunknown = 1\ndial_timeout = \"1s\"");
    let (upstream, _) = rule.upstream().expect("the registry itself");
    assert_eq!(upstream.registry(), None);
    assert!(!upstream.capabilities().resolve);
    assert_eq!(
        upstream.tls().map(|tls| tls.verification),
        Some(Verification::InsecureSkip)
    );
}

#[test]
fn http_with_tls_settings_is_https_first() {
    for (url, want) in [
        ("http://m.example:5000", PlainHttp::Allowed),
        ("http://m.example:80", PlainHttp::Only),
        ("http://m.example", PlainHttp::Only),
    ] {
        let rule = rule(&format!("[host.{url:?}]\nskip_verify = true"));
        assert_eq!(rule.mirrors()[0].plain_http(), Some(want), "{url}");
    }
}

#[track_caller]
fn files(text: &str, ca: &[&str], client: Option<(&str, &str)>) {
    let server = parse(text).server;
    assert_eq!(
        server.ca,
        ca.iter().map(PathBuf::from).collect::<Vec<_>>(),
        "{text}"
    );
    let client = client.map(|(certificate, key)| (certificate.into(), key.into()));
    assert_eq!(server.client, client, "{text}");
}

#[test]
fn certificates() {
    files("ca = \"ca.pem\"", &["d/ca.pem"], None);
    files(
        "ca = [\"/abs/1.pem\", \"2.pem\"]",
        &["/abs/1.pem", "d/2.pem"],
        None,
    );
    files("client = \"c.pem\"", &[], Some(("d/c.pem", "d/c.pem")));
    files(
        "client = [\"c.pem\", \"e.pem\"]",
        &[],
        Some(("d/c.pem", "d/c.pem")),
    );
    files(
        "client = [[\"c.crt\", \"/k/c.key\"]]",
        &[],
        Some(("d/c.crt", "/k/c.key")),
    );
    files(
        "client = [[\"c.crt\", \"c.key\"], [\"e\", \"f\"]]",
        &[],
        Some(("d/c.crt", "d/c.key")),
    );
    files("client = []", &[], None);
}

fn text_of(error: &ConfigError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

#[track_caller]
fn refused(text: &str, want: &str) {
    let error = HostsToml::parse(text, "hosts.toml").expect_err(text);
    assert_eq!(text_of(&error), want);
}

#[test]
fn errors_say_where() {
    refused(
        "[host.\"https://m.example\"]\ncapabilities = [\"fetch\"]",
        "hosts.toml, line 2, host.\"https://m.example\".capabilities[0]: must be one of pull, resolve, push, referrers",
    );
    refused(
        "\nserver = \"ftp://m.example\"",
        "hosts.toml, line 2, server: `ftp://m.example` is not a place in a registry: it is not an http or https URL",
    );
    refused(
        "host = 1",
        "hosts.toml, line 1, host: must be a table, and is a value of type integer",
    );
    refused(
        "[host]\n\"https://m.example\" = 1",
        "hosts.toml, line 2, host.\"https://m.example\": must be a table, and is a value of type integer",
    );
    refused(
        "[header]\n\"a b\" = \"c\"",
        "hosts.toml, line 2, header.\"a b\": not a header that can be sent",
    );
    refused(
        "[header]\na = \"b\\nc: d\"",
        "hosts.toml, line 2, header.\"a\": not a header that can be sent",
    );
    refused(
        "client = [[\"a\"]]",
        "hosts.toml, line 1, client[0]: must be a pair of certificate and key, and is a value of type array",
    );
    refused(
        "ca = [1]",
        "hosts.toml, line 1, ca[0]: must be a string, and is a value of type integer",
    );
    refused(
        "skip_verify = 0",
        "hosts.toml, line 1, skip_verify: must be true or false, and is a value of type integer",
    );
}

#[test]
fn a_password_in_a_url_is_not_shown() {
    let text = "[host.\"https://alice:secret@m.example\"]";
    let error = HostsToml::parse(text, "hosts.toml").expect_err("nobody should do this");
    assert!(!text_of(&error).contains("secret"), "{}", text_of(&error));
}

#[test]
fn directories() {
    let check = |dir: &str, want: Option<&str>| {
        assert_eq!(
            prefix_of(dir).map(|prefix| prefix.to_string()).as_deref(),
            want,
            "{dir}"
        );
    };
    check("docker.io", Some("docker.io"));
    check("_default", Some("*"));
    check("a.example_5000_", Some("a.example:5000"));
    check("a.example:5000", Some("a.example:5000"));
    check("localhost", Some("localhost"));
    check("[::1]_5000_", Some("[::1]:5000"));
    check("a.example_x_", None);
    check("notes", None);
    check("", None);
}

#[test]
fn loading() {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("certs.d");
    assert_eq!(load_dir(&root).expect("none is fine").rules().len(), 0);
    let write = |name: &str, text: &str| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("in a directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    };
    write("_default/hosts.toml", "[host.\"https://any.example\"]");
    write(
        "a.example_5000_/hosts.toml",
        "[host.\"https://m.example\"]\nca = \"ca.pem\"\nclient = [[\"c\", \"k\"]]",
    );
    write("a.example_5000_/ca.pem", "authority");
    write("a.example_5000_/c", "certificate");
    write("a.example_5000_/k", "key");
    write("a.example:5000/hosts.toml", "not read");
    write("b.example/client.cert", "no mirrors");
    write("readme", "not a directory");
    let mirrors = load_dir(&root).expect("all is fine");
    let of = |name: &str| {
        let prefix: Prefix = if name == "*" {
            Prefix::any()
        } else {
            name.parse().expect("a prefix")
        };
        mirrors
            .rules()
            .iter()
            .find(|rule| *rule.prefix() == prefix)
            .expect("a rule")
    };
    assert_eq!(mirrors.rules().len(), 3);
    assert_eq!(of("*").mirrors().len(), 1);
    assert_eq!(of("b.example").mirrors().len(), 0);
    let tls = of("a.example:5000").mirrors()[0].tls().expect("certificates");
    assert_eq!(tls.extra_roots, ["authority"]);
    let identity = tls.client_identity.as_ref().expect("a certificate");
    assert_eq!(
        (identity.chain.as_ref(), identity.key.as_ref()),
        (&b"certificate"[..], &b"key"[..])
    );

    std::fs::remove_file(root.join("a.example_5000_/k")).expect("it is there");
    let error = load_dir(&root).expect_err("a key is missing");
    assert!(error.file.ends_with("a.example_5000_/k"));
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"([\[\]{}="a-z.\n0-9:/@_-]|host|server|ca|client|header){0,40}"#) {
        let _ = HostsToml::parse(&text, "hosts.toml");
    }

    #[test]
    fn no_url_panics(url in r"(https?://)?[a-zA-Z0-9.:/@\[\]%_-]{0,20}", override_path: bool) {
        let text = format!("[host.{url:?}]\noverride_path = {override_path}");
        if let Ok(hosts) = HostsToml::parse(&text, "hosts.toml") {
            prop_assert_eq!(hosts.hosts.len(), 1);
        }
    }
}
