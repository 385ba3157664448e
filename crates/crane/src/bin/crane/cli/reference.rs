//! The page on all commands, which is made of their definitions.

use std::fmt::Write as _;
use std::path::Path;

use clap::Command;

use super::definition;

/// Columns of the page.
const WIDTH: usize = 100;

fn page() -> String {
    let mut command = definition().term_width(WIDTH);
    command.build();
    let mut text = String::from(
        "<!-- Made of the definitions by `cargo test -p wharf-crane --bin crane reference`. -->\n\n# All commands\n\n\
         Options of all commands stand with `crane` itself.\n",
    );
    add(&mut text, &command, "crane", true);
    text
}

fn add(text: &mut String, command: &Command, name: &str, is_root: bool) {
    let shown = command.clone().term_width(WIDTH).mut_args(|arg| {
        let repeats =
            !is_root && (arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str()));
        arg.hide(repeats)
    });
    let help = shown.bin_name(name).render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
    {
        add(text, inner, &format!("{name} {}", inner.get_name()), false);
    }
}

#[test]
fn reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/crane.md");
    let page = page();
    if std::fs::read_to_string(&path).unwrap_or_default() != page {
        std::fs::write(&path, page).expect("writable");
        panic!(
            "{} was not current; it was written anew: look at it and commit it",
            path.display()
        );
    }
}
