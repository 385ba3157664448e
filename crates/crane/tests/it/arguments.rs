//! Command lines that are wrong, and those that ask for help.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

#[track_caller]
fn fails(arguments: &[&str], want: &str) {
    let got = Sandbox::new().crane(arguments);
    assert_eq!(
        got,
        format!("exit 1\n-- stderr\nError: {want}\n"),
        "{arguments:?}"
    );
}

#[test]
fn counts_of_arguments() {
    fails(&["copy", "a"], "accepts 2 arg(s), received 1");
    fails(&["cp", "a", "b", "c"], "accepts 2 arg(s), received 3");
    fails(&["manifest"], "accepts 1 arg(s), received 0");
    fails(&["pull", "a"], "requires at least 2 arg(s), only received 1");
    fails(&["pull"], "requires at least 2 arg(s), only received 0");
    fails(&["digest", "a", "b"], "accepts at most 1 arg(s), received 2");
    fails(&["digest"], "image reference required without --tarball");
    fails(&["version", "x"], "unknown command \"x\" for \"crane version\"");
    fails(
        &["registry", "serve", "x"],
        "unknown command \"x\" for \"crane registry serve\"",
    );
    fails(&["push", "--", "--index"], "accepts 2 arg(s), received 1");
    fails(&["push", "--", "ls", "a", "b"], "accepts 2 arg(s), received 3");
    fails(&["--", "ls", "a"], "unknown command \"ls\" for \"crane\"");
}

#[test]
fn flags() {
    fails(&["append"], "required flag(s) \"new_layer\", \"new_tag\" not set");
    fails(&["append", "x"], "unknown command \"x\" for \"crane append\"");
    fails(
        &[
            "append",
            "-fl.tar",
            "-t",
            "app",
            "--base",
            "b",
            "--oci-empty-base",
        ],
        "if any flags in the group [base oci-empty-base] are set none of the others can be; \
         [base oci-empty-base] were all set",
    );
    fails(&["copy", "--nope", "a", "b"], "unknown flag: --nope");
    fails(&["-Q", "copy", "a", "b"], "unknown shorthand flag: 'Q' in -Q");
    fails(&["copy", "a", "b", "--jobs"], "flag needs an argument: --jobs");
    fails(
        &["copy", "a", "b", "-j", "abc"],
        "invalid argument \"abc\" for \"-j, --jobs\" flag: must be a number above 0",
    );
    fails(
        &["copy", "a", "b", "-j0"],
        "invalid argument \"0\" for \"-j, --jobs\" flag: must be a number above 0",
    );
    fails(
        &["copy", "a", "b", "-j", "-1"],
        "invalid argument \"-1\" for \"-j, --jobs\" flag: must be a number above 0",
    );
    fails(
        &["config", "--platform", "a/b/c/d", "x"],
        "invalid argument \"a/b/c/d\" for \"--platform\" flag: too many slashes in platform spec: a/b/c/d",
    );
    fails(
        &["pull", "a", "b", "--format=zip"],
        "unexpected --format: \"zip\" (valid values are: tarball, legacy, and oci)",
    );
    fails(
        &["pull", "a", "b", "--annotate-ref"],
        "--annotate-ref needs --format=oci",
    );
    fails(
        &["digest", "--tarball", "x", "--full-ref"],
        "cannot specify --full-ref with --tarball",
    );
}

#[test]
fn names() {
    for command in ["manifest", "config", "digest", "delete"] {
        fails(
            &[command, "/dev/null/@@@@@@"],
            "could not parse reference: /dev/null/@@@@@@: a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: /dev/null/@@@@@@",
        );
    }
    fails(
        &["blob", "app:v1"],
        "a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: app:v1",
    );
}

#[test]
fn standard_input_is_called_as_typed() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.crane(&["push", "-", "127.0.0.1:1/app"]), @"
    exit 1
    -- stderr
    Error: loading - as tarball: file manifest.json not found in tar
    ");
}

#[test]
fn unknown_commands() {
    assert_snapshot!(Sandbox::new().crane(&["pusj"]), @r#"
    exit 1
    -- stderr
    Error: unknown command "pusj" for "crane"

    Did you mean this?
    	push

    Run 'crane --help' for usage.
    "#);
    assert_snapshot!(Sandbox::new().crane(&["registry", "bogus"]), @r#"
    exit 1
    -- stderr
    Error: unknown command "bogus" for "crane registry"
    Run 'crane registry --help' for usage.
    "#);
    assert_snapshot!(Sandbox::new().crane(&["help", "bogus"]), @r#"
    exit 1
    -- stderr
    Error: unknown command "bogus" for "crane"
    Run 'crane --help' for usage.
    "#);
}

#[test]
fn help() {
    assert_snapshot!(Sandbox::new().crane(&["--help"]), @"
    exit 0
    -- stdout
    Crane is a tool for managing container images

    Usage: crane [OPTIONS] [COMMAND]

    Commands:
      append      Append layers to an image
      artifact    Store files in a registry and get them back
      attach      Attach files to an image, as an artifact that refers to it
      auth        Log in or access credentials
      blob        Read a blob from a registry, as it is stored
      cat         Print a file of an image
      catalog     List the repositories in a registry
      completion  Print a script that completes command lines in a shell
      config      Get the config of an image
      copy        Copy an image from one place to another, its digest unchanged [alias: cp]
      delete      Delete an image from its registry, or from the list of a layout
      diff        Show what two images differ in: configs, layers, files
      digest      Get the digest of an image
      export      Export the filesystem of an image as a tarball
      flatten     Merge the layers of an image into one
      index       Modify an image index
      inspect     Show what an image is: platforms, sizes, layers, labels, what refers to it
      layout      Work on OCI layouts
      ls          List the tags in a repository, or the names in a layout or archive
      ls-files    List the files of an image, without writing any
      manifest    Get the manifest of an image
      mutate      Modify labels, annotations and the config of an image
      pull        Pull images into a file or directory
      push        Push an image from an OCI layout or a docker archive
      rebase      Rebase an image onto a new base image
      referrers   List what refers to an image: signatures, SBOMs, attestations
      registry    Run a registry
      sync        Copy repositories by rules from a file
      tag         Give an image another tag, or several, without moving it
      tree        Show what hangs together: an index, its images, their layers, and what refers to each
      validate    Check that images are what they say they are
      version     Print the version
      help        Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Global options:
          --platform <PLATFORM>
              The image to take from an index: os[/arch[/variant]][:osversion] (e.g. linux/arm64), or
              local [default: all]
          --insecure
              Allow plain HTTP, and certificates that cannot be verified
          --mirrors <PATH>
              Where else to read from: a registries.conf, or a directory of hosts.toml files [env:
              CRANE_MIRRORS]
          --timeout <SECONDS>
              Give up after so many seconds
          --allow-nondistributable-artifacts
              Also push layers that are marked as not for distribution
      -q, --quiet
              Tell nothing but errors on standard error
      -v, --verbose
              Log every request and response to standard error

    Options of the registry:
          --creds <CREDS>  Credentials for the registry: USER:PASSWORD, or @FILE that holds them
          --ca <FILE>      Authorities to trust for the registry, a PEM file
          --cert <FILE>    The certificate to show to the registry, a PEM file
          --key <FILE>     The key of the certificate for the registry, a PEM file
          --plain-http     Allow plain HTTP with the registry
          --skip-verify    Accept any certificate of the registry

    Certificates of single registries are read from the certs.d folders of podman and docker, in
    ~/.config and /etc.
    ");
    assert_snapshot!(Sandbox::new().crane(&["copy", "-h"]), @"
    exit 0
    -- stdout
    Copy an image from one place to another, its digest unchanged

    Usage: crane copy [OPTIONS] <SRC> <DST>

    Arguments:
      <SRC>  What to copy
      <DST>  Where it goes

    Options:
      -a, --all-tags     Copy all tags: SRC is a repository, and DST another, or oci:DIR
      -n, --no-clobber   Leave tags alone that exist at the destination
          --referrers    Also copy what refers to it: signatures, SBOMs, attestations
          --digest-tags  Also copy tags that are named after its digest (sha256-….sig)
          --sparse       With --platform, keep the index as it is, without what it lists for other
                         platforms
          --dry-run      Only say what would be copied, from registry to registry
      -k, --keep-going   With --all-tags, go on after a tag that cannot be copied
      -j, --jobs <N>     Blobs that move at a time, and with --all-tags tags [default: 8 blobs, 4 tags]
          --json         Print what was stored, and what was moved for it, as JSON
      -h, --help         Print help (see more with '--help')
      -V, --version      Print version

    Options of one side:
          --src-creds <CREDS>   Credentials for the source: USER:PASSWORD, or @FILE that holds them
          --src-ca <FILE>       Authorities to trust for the source, a PEM file
          --src-cert <FILE>     The certificate to show to the source, a PEM file
          --src-key <FILE>      The key of the certificate for the source, a PEM file
          --src-plain-http      Allow plain HTTP with the source
          --src-skip-verify     Accept any certificate of the source
          --dest-creds <CREDS>  Credentials for the destination: USER:PASSWORD, or @FILE that holds them
          --dest-ca <FILE>      Authorities to trust for the destination, a PEM file
          --dest-cert <FILE>    The certificate to show to the destination, a PEM file
          --dest-key <FILE>     The key of the certificate for the destination, a PEM file
          --dest-plain-http     Allow plain HTTP with the destination
          --dest-skip-verify    Accept any certificate of the destination

    Global options:
          --platform <PLATFORM>
              The image to take from an index: os[/arch[/variant]][:osversion] (e.g. linux/arm64), or
              local [default: all]
          --insecure
              Allow plain HTTP, and certificates that cannot be verified
          --mirrors <PATH>
              Where else to read from: a registries.conf, or a directory of hosts.toml files [env:
              CRANE_MIRRORS]
          --timeout <SECONDS>
              Give up after so many seconds
          --allow-nondistributable-artifacts
              Also push layers that are marked as not for distribution
      -q, --quiet
              Tell nothing but errors on standard error
      -v, --verbose
              Log every request and response to standard error

    Options of the registry:
          --creds <CREDS>  Credentials for the registry: USER:PASSWORD, or @FILE that holds them
          --ca <FILE>      Authorities to trust for the registry, a PEM file
          --cert <FILE>    The certificate to show to the registry, a PEM file
          --key <FILE>     The key of the certificate for the registry, a PEM file
          --plain-http     Allow plain HTTP with the registry
          --skip-verify    Accept any certificate of the registry
    ");
    assert_snapshot!(Sandbox::new().crane(&["registry"]), @"
    exit 0
    -- stdout
    Run a registry

    Usage: crane registry [OPTIONS] <COMMAND>

    Commands:
      gc     Remove what nobody needs from where a registry keeps its content
      serve  Serve a registry until SIGINT or SIGTERM comes
      help   Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Global options:
          --platform <PLATFORM>
              The image to take from an index: os[/arch[/variant]][:osversion] (e.g. linux/arm64), or
              local [default: all]
          --insecure
              Allow plain HTTP, and certificates that cannot be verified
          --mirrors <PATH>
              Where else to read from: a registries.conf, or a directory of hosts.toml files [env:
              CRANE_MIRRORS]
          --timeout <SECONDS>
              Give up after so many seconds
          --allow-nondistributable-artifacts
              Also push layers that are marked as not for distribution
      -q, --quiet
              Tell nothing but errors on standard error
      -v, --verbose
              Log every request and response to standard error

    Options of the registry:
          --creds <CREDS>  Credentials for the registry: USER:PASSWORD, or @FILE that holds them
          --ca <FILE>      Authorities to trust for the registry, a PEM file
          --cert <FILE>    The certificate to show to the registry, a PEM file
          --key <FILE>     The key of the certificate for the registry, a PEM file
          --plain-http     Allow plain HTTP with the registry
          --skip-verify    Accept any certificate of the registry
    ");
}

#[test]
fn no_command_is_a_question() {
    let nothing: [&str; 0] = [];
    let shown = Sandbox::new().crane(&nothing);
    assert!(
        shown.starts_with("exit 0\n-- stderr\nCrane is a tool for managing container images\n"),
        "{shown}"
    );
}

/// What stands where is known from the Go tool.
#[test]
fn groups_alone() {
    for (group, want) in [
        ("auth", "exit 0\n-- stderr\nLog in or access credentials\n"),
        ("edit", "exit 0\n-- stderr\nEdit the contents of an image\n"),
        ("registry", "exit 0\n-- stdout\nRun a registry\n"),
        ("layout", "exit 0\n-- stdout\nWork on OCI layouts\n"),
        (
            "artifact",
            "exit 0\n-- stdout\nStore files in a registry and get them back\n",
        ),
        (
            "index",
            "exit 1\n-- stderr\nError: accepts 1 arg(s), received 0\nRun 'crane index --help' for usage.\n",
        ),
    ] {
        let shown = Sandbox::new().crane(&[group]);
        assert!(shown.starts_with(want), "{shown}");
        let bogus = Sandbox::new().crane(&[group, "bogus"]);
        let want = format!("exit 1\n-- stderr\nError: unknown command \"bogus\" for \"crane {group}\"\n");
        assert!(bogus.starts_with(&want), "{bogus}");
    }
}

#[test]
fn help_is_about_what_is_named() {
    let want = Sandbox::new().crane(&["index", "append", "--help"]);
    assert!(
        want.starts_with("exit 0\n-- stdout\nAppend manifests to an index\n"),
        "{want}"
    );
    for arguments in [
        &["--help", "index", "append"][..],
        &["help", "index", "append"],
        &["index", "help", "append"],
        &["index", "append", "x", "--help", "-t=y"],
        &["--insecure", "index", "--help", "append"],
    ] {
        assert_eq!(Sandbox::new().crane(arguments), want, "{arguments:?}");
    }
    fails(
        &["help", "index", "bogus"],
        "unknown command \"bogus\" for \"crane index\"\nRun 'crane index --help' for usage.",
    );
}

#[test]
fn nothing_is_no_name() {
    fails(&["push", "", "app"], "<PATH> is empty");
    // Nobody should be let in, or anything be lost, because a variable is not set.
    for flag in ["--htpasswd", "--tls-cert", "--tls-key", "--disk", "--ca"] {
        fails(
            &["registry", "serve", flag, ""],
            &format!("flag needs an argument: {flag}"),
        );
        fails(
            &["registry", "serve", &format!("{flag}=")],
            &format!("flag needs an argument: {flag}"),
        );
    }
    fails(
        &["tag", "app", ""],
        "tag must be between 1 and 128 characters in length:",
    );
    fails(
        &["append", "-f", "", "-t", "a"],
        "flag needs an argument: --new_layer",
    );
    fails(
        &["append", "-f", "a", "-t", ""],
        "required flag(s) \"new_tag\" not set",
    );
    fails(
        &["index", "append", "", "-t", ""],
        "at least one of BASE or --tag must be specified",
    );
}

#[test]
fn version() {
    for arguments in [["version"], ["--version"], ["-V"]] {
        assert_eq!(
            Sandbox::new().stdout(&arguments),
            concat!(env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}
