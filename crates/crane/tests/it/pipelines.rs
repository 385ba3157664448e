//! Pipelines as people have them in their scripts.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Bearer, Users};

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// A shell with crane on its path and a registry called `$R`.
struct Shell {
    registry: TestRegistry,
    sandbox: Sandbox,
}

impl Shell {
    fn new(registry: TestRegistry) -> Self {
        let sandbox = Sandbox::new();
        for (path, content) in [("root/etc/passwd", "root:x\n"), ("more/motd", "hello\n")] {
            let path = sandbox.path(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, content).expect("file");
        }
        Self { registry, sandbox }
    }

    /// What a script prints, all of whose commands succeed.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let crane = Path::new(env!("CARGO_BIN_EXE_crane"))
            .parent()
            .expect("a directory");
        let mut shell = std::process::Command::new("bash");
        shell
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.sandbox.path(""))
            .env_clear()
            .env("HOME", self.sandbox.path(""))
            .env("R", &self.registry.host)
            .env("PATH", format!("{}:/usr/bin:/bin", crane.display()));
        let output = shell.output().expect("bash starts");
        assert!(
            output.status.success(),
            "{script}: {}",
            self.sandbox.show(&output)
        );
        String::from_utf8(output.stdout).expect("text")
    }
}

#[test]
fn exported_files_go_through_tar() {
    let shell = Shell::new(TestRegistry::start());
    shell.run("tar -cf layer.tar -C root etc && crane append -f layer.tar -t $R/app");
    assert_eq!(
        shell.run("crane export $R/app - | tar -tf -"),
        "etc\netc/passwd\n"
    );
    assert_eq!(
        shell.run("crane export $R/app - | tar -Oxf - etc/passwd"),
        "root:x\n"
    );
    let archived = shell.run(
        "crane pull $R/app image.tar\n\
         crane export - - < image.tar > files.tar\n\
         cat image.tar | crane export - - | cmp - files.tar\n\
         crane export $R/app | cmp - files.tar\n\
         tar -tf files.tar",
    );
    assert_eq!(archived, "etc\netc/passwd\n");
}

#[test]
fn what_is_pushed_is_named_for_the_next_command() {
    let shell = Shell::new(TestRegistry::start());
    // A file that is a pipe, and the only line of output as an argument.
    let edited = shell.run(
        "crane mutate $(crane append -f <(tar -c -C root etc) -t $R/app:v1) --entrypoint=/bin/sh,-c -t $R/app:v2",
    );
    let digest = shell.registry.digest("app:v2").expect("pushed");
    assert_eq!(edited, format!("{}@{digest}\n", shell.registry.at("app")));
    let differ = shell.run(
        "diff <(crane config $R/app:v1) <(crane config $R/app:v1)\n\
         diff <(crane manifest $R/app:v1) <(crane manifest $R/app:v2) && exit 1\n\
         diff -q <(crane config $R/app:v1) <(crane config $R/app:v2) || echo differ",
    );
    assert!(differ.ends_with("differ\n"), "{differ}");
    // What jq adds up of a manifest, `.config.size + ([.layers[].size] | add)`.
    let manifest: serde_json::Value =
        serde_json::from_str(&shell.run("crane manifest $R/app:v2")).expect("JSON");
    let sizes = [&manifest["config"], &manifest["layers"][0]].map(|part| part["size"].as_u64());
    assert!(
        sizes.iter().all(|size| size.is_some_and(|size| size > 0)),
        "{manifest}"
    );
}

#[test]
fn an_image_moves_to_the_new_base_at_the_same_tag() {
    let shell = Shell::new(TestRegistry::start());
    let names = shell.run(
        "for name in old top new; do mkdir $name; echo $name > $name/$name.txt; tar -cf $name.tar -C $name $name.txt; done\n\
         base=$(crane append -f old.tar -t $R/base)\n\
         app=$(crane append -f top.tar -b $base -t $R/app)\n\
         name=org.opencontainers.image.base.name=$R/base\n\
         digest=org.opencontainers.image.base.digest=$(crane digest $R/base)\n\
         app=$(crane mutate $app -a $name -a $digest -t $R/app)\n\
         crane append -f new.tar -t $R/base >/dev/null\n\
         crane export $(crane rebase $app) - | tar -tf - | sort",
    );
    assert_eq!(names, "new.txt\ntop.txt\n");
    // All layers of one image upon another.
    let names = shell.run(
        "common=$(crane append -f old.tar,top.tar -t $R/common)\n\
         target=$(crane append -f new.tar -t $R/target)\n\
         crane export $(crane rebase --old_base scratch --new_base $target $common) - | tar -tf - | sort",
    );
    assert_eq!(names, "new.txt\nold.txt\ntop.txt\n");
}

#[test]
fn indexes_are_made_and_cut_by_scripts() {
    let shell = Shell::new(TestRegistry::start());
    shell.registry.put_index("multi:v1", &index());
    shell.registry.put_image("app:v1", &image());
    let listed = shell.run(
        "crane index append -t $R/new -m $R/multi@$(crane digest $R/multi:v1) -m $R/app@$(crane digest $R/app:v1) >/dev/null\n\
         crane index list $R/new | grep -c sha256:\n\
         crane index filter $R/multi:v1 --platform linux/amd64 --platform linux/arm64 -t $R/cut >/dev/null\n\
         crane index list $R/cut | grep -c sha256:\n\
         base=\n\
         crane index append \"$base\" $R/app:v1 -t $R/one > ref\n\
         crane index list $(cat ref) | grep -c sha256:\n\
         crane pull $R/app:v1 a.tar; cp a.tar b.tar\n\
         crane index append $PWD/dir.tar a.tar b.tar $R/multi:v1\n\
         crane index list dir.tar | grep -c sha256:",
    );
    assert_eq!(listed, "4\n2\n1\n4\n");
}

#[test]
fn layers_for_windows_are_made_for_it() {
    let shell = Shell::new(TestRegistry::start());
    let names = shell.run(
        "crane append -f more -t $R/win:base --platform windows/amd64 >/dev/null\n\
         crane append -b $R/win:base -f <(tar -c -C more motd) -t $R/win:v1 >/dev/null\n\
         crane mutate $R/win:v1 --entrypoint='C:\\\\motd' >/dev/null\n\
         crane export $R/win:v1 | tar -tf - 2>/dev/null | sort",
    );
    assert_eq!(names, "Files\nFiles/motd\nHives\n");
}

#[test]
fn a_login_is_for_what_comes_after_and_for_others() {
    let users = Users::new().with("alice", "a&b");
    let authentication = Authentication::Bearer(Bearer::new(users));
    let shell = Shell::new(TestRegistry::serve(
        Registry::builder().authentication(authentication).build(),
    ));
    let shown = shell.run(
        "crane auth login -u alice -p 'a&b' $R\n\
         crane append -f root -t $R/app:sha >/dev/null\n\
         crane tag $R/app:sha latest\n\
         echo $R | crane auth get\n\
         crane auth token -H $R/app",
    );
    let (credential, header) = shown.split_once('\n').expect("two answers");
    assert_eq!(credential, r#"{"Username":"alice","Secret":"a\u0026b"}"#);
    // As `curl -H "$(crane auth token -H REPO)"` sends it.
    let mut stream = TcpStream::connect(&shell.registry.host).expect("connected");
    let host = &shell.registry.host;
    write!(
        stream,
        "GET /v2/app/tags/list HTTP/1.1\r\nHost: {host}\r\n{header}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.ends_with(r#"{"name":"app","tags":["latest","sha"]}"#),
        "{answer}"
    );
}

/// Scripts hand on variables that nothing is in.
#[test]
fn flags_with_nothing_in_them_are_not_given() {
    let shell = Shell::new(TestRegistry::start());
    let shown = shell.run(
        "crane append -b '' -f root -t $R/app -o '' --output=\n\
         crane mutate $R/app -t '' --repo '' -o=\n\
         crane flatten $R/app --tag '' | wc -l\n\
         crane digest --tarball '' $R/app\n\
         crane pull -qc '' $R/app app.tar\n\
         crane push --image-refs= app.tar $R/app:again\n\
         crane validate --remote $R/app --tarball ''",
    );
    assert_eq!(shown.lines().count(), 6, "{shown}");
    assert!(
        shown.ends_with(&format!("PASS: {}\n", shell.registry.at("app"))),
        "{shown}"
    );
}
