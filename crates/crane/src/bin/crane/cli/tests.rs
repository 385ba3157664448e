use super::*;

/// What a command line gives: its error line, or what is printed instead of running anything.
fn outcome(arguments: &[&str]) -> String {
    let program = std::iter::once("crane").chain(arguments.iter().copied());
    match parse(program.map(OsString::from)) {
        Ok(Parsed::Run(cli)) => format!("runs {cli:?}"),
        Ok(Parsed::Show(text)) => format!("stdout {text}"),
        Ok(Parsed::Hint(text)) => format!("stderr {text}"),
        Err(failure) => failure.line().expect("usage errors are shown"),
    }
}

#[track_caller]
fn check(arguments: &[&str], want: &str) {
    assert_eq!(outcome(arguments), want, "{arguments:?}");
}

#[test]
fn clap_finds_the_definitions_sound() {
    switches_with_values(Cli::command()).debug_assert();
}

#[test]
fn wrong_arguments_are_named() {
    check(&["version", "x"], "unknown command \"x\" for \"crane version\"");
    check(&["-Q", "version"], "unknown shorthand flag: 'Q' in -Q");
    check(&["version", "-vQ"], "unknown shorthand flag: 'Q' in -vQ");
    check(&["version", "--x"], "unknown flag: --x");
    check(&["version", "--x=y"], "unknown flag: --x");
    check(&["version", "--platform"], "flag needs an argument: --platform");
    check(
        &["version", "--insecure=maybe"],
        "invalid argument \"maybe\" for \"--insecure\" flag: must be true or false",
    );
    check(
        &["version", "-v=maybe"],
        "invalid argument \"maybe\" for \"-v, --verbose\" flag: must be true or false",
    );
}

#[test]
fn unknown_commands_come_with_suggestions() {
    check(
        &["verison"],
        "unknown command \"verison\" for \"crane\"\n\nDid you mean this?\n\tversion\n\nRun 'crane --help' for usage.",
    );
    check(
        &["--platform", "version", "zzz"],
        "unknown command \"zzz\" for \"crane\"\nRun 'crane --help' for usage.",
    );
    check(
        &["help", "bogus"],
        "unknown command \"bogus\" for \"crane\"\nRun 'crane --help' for usage.",
    );
}

#[test]
fn help_and_version_are_shown() {
    for arguments in [["--help"], ["-h"], ["help"]] {
        assert!(
            outcome(&arguments).starts_with("stdout Crane is a tool"),
            "{}",
            outcome(&arguments)
        );
    }
    assert!(outcome(&[]).starts_with("stderr Crane is a tool"));
    for arguments in [vec!["--version"], vec!["-V"], vec!["version", "--version"]] {
        check(&arguments, &format!("stdout {VERSION}\n"));
    }
}

#[track_caller]
fn globals(arguments: &[&str]) -> Globals {
    let program = std::iter::once("crane").chain(arguments.iter().copied());
    match parse(program.map(OsString::from)) {
        Ok(Parsed::Run(cli)) => cli.globals,
        _ => panic!("{arguments:?}: {}", outcome(arguments)),
    }
}

#[test]
fn switches_take_go_spellings_and_stand_anywhere() {
    for (arguments, want) in [
        (vec!["version"], false),
        (vec!["version", "--insecure"], true),
        (vec!["--insecure", "version"], true),
        (vec!["--insecure=true", "version"], true),
        (vec!["--insecure=F", "version"], false),
        (vec!["version", "--insecure", "--insecure=0"], false),
        (vec!["version", "--insecure", "--insecure"], true),
    ] {
        assert_eq!(globals(&arguments).insecure, want, "{arguments:?}");
    }
}
