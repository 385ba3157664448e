//! The calls that go-containerregistry tests its registry with, and what the specification makes of
//! them. Where that registry answers otherwise, the row says so.

use crate::harness::Harness;

const FOO: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const BAD: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

struct Call {
    what: &'static str,
    method: &'static str,
    path: String,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    want: u16,
    want_body: Option<&'static str>,
}

fn call(what: &'static str, method: &'static str, path: impl Into<String>, want: u16) -> Call {
    Call {
        what,
        method,
        path: path.into(),
        headers: &[],
        body: "",
        want,
        want_body: None,
    }
}

impl Call {
    fn headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    fn sends(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    fn gets(mut self, body: &'static str) -> Self {
        self.want_body = Some(body);
        self
    }
}

/// Calls on a registry whose repository `foo` has the blob `foo` and the manifest `foo` under `bar`.
fn calls() -> Vec<Call> {
    let blob = format!("/v2/foo/blobs/{FOO}");
    vec![
        call("base", "GET", "/v2", 200),
        call("base", "GET", "/v2/", 200),
        call("unknown endpoint", "GET", "/v2/bad", 404),
        call(
            "blob that is not there",
            "GET",
            format!("/v2/foo/blobs/{BAD}"),
            404,
        ),
        call(
            "blob that is not there",
            "HEAD",
            format!("/v2/foo/blobs/{BAD}"),
            404,
        ),
        call("bad digest", "GET", "/v2/foo/blobs/sha256:asd", 400),
        call("bad digest", "HEAD", "/v2/foo/blobs/sha256:asd", 400),
        call("blob in no repository", "GET", "/v2/blobs/sha256:asd", 400),
        // Theirs: 400.
        call("bad method", "FOO", blob.clone(), 405),
        call("blob", "GET", blob.clone(), 200).gets("foo"),
        call("blob", "HEAD", blob.clone(), 200),
        call("range", "GET", blob.clone(), 206)
            .headers(&[("range", "bytes=1-2")])
            .gets("oo"),
        // Theirs: 416. The RFC ignores units that it does not know, and clamps the end.
        call("range of nibbles", "GET", blob.clone(), 200).headers(&[("range", "nibbles=1-2")]),
        call("range beyond the end", "GET", blob.clone(), 206)
            .headers(&[("range", "bytes=1-3")])
            .gets("oo"),
        call("blob", "DELETE", blob, 202),
        call("upload", "POST", "/v2/foo/blobs/uploads", 202),
        call("upload", "POST", "/v2/foo/blobs/uploads/", 202),
        // Theirs takes any id: 400 without a digest, 201 with one.
        call("upload that was not begun", "PUT", "/v2/foo/blobs/uploads/1", 404),
        call(
            "upload that was not begun",
            "PUT",
            format!("/v2/foo/blobs/uploads/1?digest={FOO}"),
            404,
        )
        .sends("foo"),
        call(
            "upload that was not begun",
            "PATCH",
            "/v2/foo/blobs/uploads/1",
            404,
        )
        .sends("foo"),
        call(
            "monolithic",
            "POST",
            format!("/v2/foo/blobs/uploads?digest={FOO}"),
            201,
        )
        .sends("foo"),
        call(
            "monolithic, wrong",
            "POST",
            format!("/v2/foo/blobs/uploads?digest={BAD}"),
            400,
        )
        .sends("foo"),
        call("manifest in no repository", "GET", "/v2/none/manifests/bar", 404),
        call("manifest in no repository", "HEAD", "/v2/none/manifests/bar", 404),
        call("manifest of another tag", "GET", "/v2/foo/manifests/other", 404),
        call("manifest of another tag", "HEAD", "/v2/foo/manifests/other", 404),
        call("manifest by tag", "GET", "/v2/foo/manifests/bar", 200).gets("foo"),
        call(
            "manifest by digest",
            "GET",
            format!("/v2/foo/manifests/{FOO}"),
            200,
        )
        .gets("foo"),
        call("manifest", "HEAD", "/v2/foo/manifests/bar", 200),
        call("manifest", "PUT", "/v2/foo/manifests/new", 201).sends("foo"),
        // Theirs: 400.
        call("bad method on a manifest", "BAR", "/v2/foo/manifests/bar", 405),
        call(
            "manifest in no repository",
            "DELETE",
            "/v2/none/manifests/bar",
            404,
        ),
        call(
            "manifest of another tag",
            "DELETE",
            "/v2/foo/manifests/other",
            404,
        ),
        call("tag", "DELETE", "/v2/foo/manifests/bar", 202),
        call(
            "manifest by digest",
            "DELETE",
            format!("/v2/foo/manifests/{FOO}"),
            202,
        ),
        call("tags", "GET", "/v2/foo/tags/list?n=1000", 200).gets(r#"{"name":"foo","tags":["bar"]}"#),
        // Theirs starts over when nothing comes after `last`.
        call("tags past the end", "GET", "/v2/foo/tags/list?last=zoo", 200)
            .gets(r#"{"name":"foo","tags":[]}"#),
        // Theirs panics.
        call("tags, a negative number", "GET", "/v2/foo/tags/list?n=-1", 400),
        call("tags of no repository", "GET", "/v2/none/tags/list?n=1000", 404),
        call("catalog", "GET", "/v2/_catalog?n=1000", 200).gets(r#"{"repositories":["foo"]}"#),
        call("referrers", "GET", format!("/v2/foo/referrers/{FOO}"), 200),
        // Theirs: 404.
        call(
            "referrers in no repository",
            "GET",
            format!("/v2/none/referrers/{FOO}"),
            200,
        ),
        call("referrers of a tag", "GET", "/v2/foo/referrers/bar", 400),
        // Theirs: 400.
        call(
            "bad method on referrers",
            "POST",
            format!("/v2/foo/referrers/{FOO}"),
            405,
        ),
    ]
}

#[tokio::test]
async fn test_calls() {
    for call in calls() {
        for registry in Harness::each().await {
            registry.blob("foo", "foo").await;
            registry.put("/v2/foo/manifests/bar", "", "foo").await.expect(201);
            let Call {
                what,
                method,
                path,
                headers,
                body,
                want,
                want_body,
            } = &call;
            let reply = registry.ask(method, path, headers, *body).await;
            assert_eq!(reply.status.as_u16(), *want, "{what}: {method} {path}: {reply:?}");
            reply.expect(*want);
            if let Some(body) = want_body {
                reply.expect_body(body);
            }
        }
    }
}
