//! The user's guide: what it tells people to type works.

use std::path::{Path, PathBuf};
use std::process::Output;

use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Basic, Users};

use crate::fixture::packed;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

const PASSWORD: &str = "wonderland";

/// The registries that the guide speaks of.
struct World {
    registries: Vec<(&'static str, TestRegistry)>,
    sandbox: Sandbox,
}

impl World {
    fn new() -> Self {
        let users = Users::new().with("alice", PASSWORD);
        let private = Registry::builder().authentication(Authentication::Basic(Basic::new(users)));
        let registries = vec![
            ("registry.example.com", TestRegistry::start()),
            ("mirror.example.com", TestRegistry::start()),
            ("private.example.com", TestRegistry::serve(private.build())),
        ];
        let world = Self {
            registries,
            sandbox: Sandbox::new(),
        };
        world.fill();
        world
    }

    /// Puts there what the guide takes for granted.
    fn fill(&self) {
        let registry = &self.registries[0].1;
        for (version, name) in [("v1", "library/base:v1"), ("v2", "library/base:v2")] {
            let root = self.sandbox.path(&format!("root-{version}"));
            std::fs::create_dir_all(root.join("etc")).expect("directory");
            std::fs::write(root.join("etc/os-release"), format!("VERSION={version}\n")).expect("file");
            std::fs::write(root.join("etc/motd"), "hello\n").expect("file");
            let platforms = ["amd64", "arm64"].map(|architecture| {
                let mut image = registry.run(packed(&root, architecture));
                let platform = format!("linux/{architecture}")
                    .parse::<wharf::v1::PlatformSpec>()
                    .expect("a platform");
                let descriptor = image.as_descriptor().clone();
                let mut described = descriptor;
                described.set_platform(Some(platform.to_platform()));
                image = image.with_descriptor(described).expect("the same");
                image
            });
            let mut index = wharf::v1::partial::IndexBuilder::new(wharf::v1::media_type::Family::Oci);
            for image in platforms {
                index = index.image(image);
            }
            registry.put_index(name, &registry.run(index.build()).expect("an index"));
        }
        let copy = |to: &str| {
            self.sandbox
                .stdout(&["copy", &registry.at("library/base:v1"), &registry.at(to)])
        };
        copy("team/app:v1");
    }

    /// Runs a command line in a shell, with the names of the guide's registries.
    fn run(&self, line: &str) -> Output {
        let mut line = line.to_owned();
        for (name, registry) in &self.registries {
            line = line.replace(name, &registry.host);
        }
        // What comes first is what an installation would have on the path.
        let crane = Path::new(env!("CARGO_BIN_EXE_crane"))
            .parent()
            .expect("a directory");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &line])
            .current_dir(self.sandbox.path(""))
            .env_clear();
        shell.env("HOME", self.sandbox.path("")).env("PASSWORD", PASSWORD);
        shell.env("PATH", format!("{}:/usr/bin:/bin", crane.display()));
        shell.output().expect("a shell")
    }
}

/// The command lines of all `console` blocks of a page: `$` begins one, `>` goes on with it.
fn commands(page: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), line.strip_prefix("> ")) {
                (Some(command), _) => commands.push(command.to_owned()),
                (None, Some(more)) => {
                    let last = commands.last_mut().expect("a command before");
                    last.push('\n');
                    last.push_str(more);
                }
                (None, None) => panic!("neither a command nor more of one: {line}"),
            },
            (false, _) => {}
        }
    }
    commands
}

fn pages() -> Vec<PathBuf> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(guide)
        .expect("the guide")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    pages.sort();
    pages
}

#[test]
fn what_the_guide_says_works() {
    let mut count = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("readable");
        let commands = commands(&text);
        if commands.is_empty() {
            continue;
        }
        let world = World::new();
        for command in commands {
            let output = world.run(&command);
            assert!(
                output.status.success(),
                "{}: {command}\n{}{}",
                page.display(),
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr),
            );
            count += 1;
        }
    }
    assert!(count > 40, "only {count} commands were found");
}

/// Every page is in the table of contents, and what that lists is there.
#[test]
fn the_book_is_whole() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("a table of contents");
    for target in summary
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
    {
        assert!(docs.join(target.0).is_file(), "{} is not there", target.0);
    }
    for page in pages() {
        let name = page.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(
            summary.contains(&format!("guide/{name}")),
            "{name} is not in the table of contents"
        );
    }
}

/// What pages link to in the book is there.
#[test]
fn links_lead_somewhere() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let top = std::fs::read_dir(&docs).expect("the docs");
    let top = top.map(|entry| entry.expect("an entry").path());
    let mut count = 0;
    for page in top
        .chain(pages())
        .filter(|page| page.extension().is_some_and(|kind| kind == "md"))
    {
        let text = std::fs::read_to_string(&page).expect("readable");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (target, _) in targets.filter(|(target, _)| !target.contains("://")) {
            let file = target.split('#').next().unwrap_or_default();
            let path = page.parent().expect("a directory").join(file);
            assert!(file.is_empty() || path.is_file(), "{}: {target}", page.display());
            count += 1;
        }
    }
    assert!(count > 20, "only {count} links were found");
}

#[test]
fn manual_pages_are_written() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.crane(&["man", "pages/of/crane"]), "exit 0\n");
    for page in ["crane.1", "crane-copy.1", "crane-artifact-push.1"] {
        let text = std::fs::read_to_string(sandbox.path("pages/of/crane").join(page)).expect(page);
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    std::fs::write(sandbox.path("file"), "").expect("file");
    assert!(
        sandbox
            .crane(&["man", "file"])
            .starts_with("exit 1\n-- stderr\nError: writing file: ")
    );
}
