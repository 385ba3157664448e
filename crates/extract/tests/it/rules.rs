//! What a merged filesystem has, row by row.

use wharf_extract::{ExtractOptions, Replaced};

use crate::layers::{Tar, listing, merged, run, stack};

#[track_caller]
fn check(what: &str, tar: &[u8], want: &[&str]) {
    assert_eq!(listing(tar), want, "{what}");
}

macro_rules! rows {
    ($($name:ident: $layers:expr => $want:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(stringify!($name), &merged($layers).await, &$want);
        })*
    };
}

fn t() -> Tar {
    Tar::new()
}

rows! {
    removed: [t().file("foo.txt", "1").file("bar.txt", "2"), t().mark(".wh.foo.txt")] => ["bar.txt=2"];
    removed_and_made_anew: [
        t().dir("a/", 0o755).file("a/foo", "1"), t().mark(".wh.a"), t().dir("a/", 0o755).file("a/baz", "2"),
    ] => ["d a", "a/baz=2"];
    a_symlink_replaces_a_file: [t().file("foo.txt", "1"), t().symlink("foo.txt", "x")] => ["foo.txt->x"];
    opaque: [
        t().dir("d", 0o755).file("d/a.txt", "1").file("d/b.txt", "2"),
        t().file("d/c.txt", "3").mark("d/.wh..wh..opq").file("d/e.txt", "4"),
    ] => ["d/c.txt=3", "d/e.txt=4", "d d"];
    opaque_root: [
        t().file("a", "1").dir("d", 0o755), t().file("b", "2").mark(".wh..wh..opq"), t().file("c", "3"),
    ] => ["c=3", "b=2"];
    a_symlink_replaces_a_directory: [
        t().dir("d", 0o755).file("d/a", "1"), t().symlink("d", "x"),
    ] => ["d->x"];
    a_directory_replaces_a_file: [
        t().file("d", "1"), t().dir("d", 0o755).file("d/a", "2"),
    ] => ["d d", "d/a=2"];
    a_file_hides_what_was_below: [
        t().dir("d", 0o755).file("d/a", "1"), t().file("d", "2"), t().file("d/b", "3"),
    ] => ["d/b=3"];
    links: [
        t().symlink("usr/local/bin/ld.so", "../lib/ld-linux.so.2").symlink("srv/var/lock", "../run/lock")
            .symlink("app/bin/win-rel", "..\\lib\\tool").symlink("x", "/etc/passwd")
            .symlink("etc/foo", "../../../x/evil").symlink("etc/win-escape", "..\\..\\x\\evil")
            .symlink("y", "..foo"),
    ] => [
        "usr/local/bin/ld.so->../lib/ld-linux.so.2", "srv/var/lock->../run/lock",
        "app/bin/win-rel->..\\lib\\tool", "x->/etc/passwd", "y->..foo",
    ];
    hidden_below: [
        t().file("usr/bin", "0").file("baz/foo.txt", "1").file("baz/bar/foo.txt", "2").file("red/green", "3")
            .file("red/yellow.txt", "4").file("red/blue/x", "5").file("red/blues", "6"),
        t().mark(".wh.baz").mark("red/.wh.blue"),
    ] => ["usr/bin=0", "red/green=3", "red/yellow.txt=4", "red/blues=6"];

    removed_and_made_in_one_layer: [t().file("a", "1"), t().mark(".wh.a").file("a", "2")] => ["a=2"];
    removed_and_made_in_the_base: [t().mark(".wh.a").file("a", "2")] => ["a=2"];
    removed_after_it_was_made: [t().file("a", "1"), t().file("a", "2").mark(".wh.a")] => ["a=2"];
    directory_removed_and_made_in_one_layer: [
        t().dir("d", 0o755).file("d/x", "1"), t().mark(".wh.d").dir("d/", 0o755).file("d/y", "2"),
    ] => ["d d", "d/y=2"];
    the_last_of_a_name_counts: [t().file("a", "1").file("b", "2").file("./a", "3")] => ["b=2", "a=3"];
    the_last_of_a_name_counts_whatever_it_is: [
        t().file("a", "1").symlink("a", "x").dir("d", 0o700).symlink("s", "x").file("f", "1").dir("d/", 0o755)
            .symlink("s", "y").symlink("f", "../../out"),
    ] => ["a->x", "f=1", "d d", "s->y"];
    the_last_of_a_name_through_a_link: [
        t().symlink("l", "d").file("d/a", "1").file("l/a", "2"),
    ] => ["l->d", "d/a=2"];
    a_link_to_the_first_of_a_name: [t().file("a", "1").link("b", "a").file("a", "2")] => ["a=2", "b=1"];
    a_link_in_the_place_of_its_target: [t().file("a", "1").link("b", "a").link("a", "b")] => ["b=1", "a=>b"];
    a_link_to_itself: [t().file("a", "1").link("a", "a")] => ["a=1"];
    a_link_from_above_gets_the_last_of_a_name: [
        t().file("a", "1").file("a", "2"), t().link("b", "a"),
    ] => ["a=2", "b=>a"];
    a_link_from_above_gets_the_last_of_a_hidden_name: [
        t().file("a", "1").file("a", "2"), t().link("b", "a"), t().file("a", "3"),
    ] => ["a=3", "b=2"];
    a_link_to_a_lower_layer_comes_after_its_target: [
        t().file("a", "1").file("c", "3"), t().link("b", "a"),
    ] => ["a=1", "b=>a", "c=3"];
    a_link_keeps_the_content_it_was_made_for: [
        t().file("a", "old"), t().link("b", "a").link("c", "b"), t().file("a", "new"),
    ] => ["a=new", "b=old", "c=>b"];
    a_link_to_what_was_removed: [t().file("a", "1"), t().link("b", "a"), t().mark(".wh.a")] => ["b=1"];
    a_link_in_one_layer_to_what_was_replaced: [
        t().file("z", "0").file("a", "old").link("b", "a").link("c", "a"), t().file("a", "new"),
    ] => ["a=new", "z=0", "b=old", "c=>b"];
    a_link_in_one_layer_to_what_was_removed: [
        t().file("a", "old").link("b", "a").file("c", "3"), t().mark(".wh.a"),
    ] => ["c=3", "b=old"];
    a_link_that_is_hidden_itself: [
        t().file("a", "1"), t().link("b", "a"), t().link("c", "b"), t().mark(".wh.b"),
    ] => ["a=1", "c=>a"];
    links_to_links: [t().file("a", "1"), t().link("b", "a"), t().link("c", "b")] => ["a=1", "b=>a", "c=>a"];
    exchanged_by_links: [t().file("q", "1"), t().link("p", "q").link("q", "p")] => ["p=1", "q=>p"];
    link_targets_are_at_the_root: [
        t().file("d/a", "1").link("d/b", "d/a").link("d/c", "/d/a").link("d/e", "./d/a"),
    ] => ["d/a=1", "d/b=>d/a", "d/c=>d/a", "d/e=>d/a"];
    a_link_through_a_symlink_of_a_lower_layer: [
        t().symlink("lib", "usr/lib").file("usr/lib/x", "1"), t().link("y", "lib/x"),
    ] => ["lib->usr/lib", "usr/lib/x=1", "y=>usr/lib/x"];
    a_link_to_a_symlink: [t().symlink("a", "x"), t().link("b", "a")] => ["a->x", "b=>a"];

    a_colon_is_harmless: [t().file("a:b", "1")] => ["a:b=1"];
    a_mark_without_a_name: [t().file("d/a", "1").file("b", "2"), t().mark("d/.wh.").mark(".wh.")]
        => ["d/a=1", "b=2"];
    marks_of_aufs: [t().mark(".wh..wh.aufs").dir(".wh..wh.plnk", 0o700).file(".wh..wh.plnk/1.2", "x").file("a", "1")]
        => ["a=1"];
    a_directory_named_like_a_mark: [t().file("foo", "1"), t().dir(".wh.foo/", 0o755).file(".wh.foo/bar", "2")]
        => ["foo=1"];
    one_path_with_two_spellings: [t().file("etc/x", "1"), t().file("/etc/x", "2")] => ["etc/x=2"];
    below_a_symlink_of_a_lower_layer: [
        t().symlink("ln", "real").dir("real", 0o755).file("real/y", "1"), t().file("ln/x", "2"),
    ] => ["ln/x=2", "d real", "real/y=1"];
    below_a_symlink_of_the_same_layer: [
        t().file("real/x", "1"), t().dir("real", 0o755).symlink("ln", "/real").file("ln/x", "2"),
    ] => ["d real", "ln->/real", "real/x=2"];
    symlinks_in_a_circle: [t().symlink("a", "b").symlink("b", "a").file("a/x", "1")] => ["a->b", "b->a", "a/x=1"];
    names_in_several_headers: [
        t().entry(b'L', "l", "", 0, b"long\0").entry(b'x', "x", "", 0, b"9 path=p\n").file("a", "1")
            .entry(b'x', "x", "", 0, b"9 path=p\n9 path=q\n").file("b", "2")
            .entry(b'x', "x", "", 0, b"9 path=r\n").entry(b'x', "x", "", 0, b"6 a=b\n").file("c", "3"),
    ] => ["long=1", "q=2", "c=3"];
    the_root_itself: [t().dir("./", 0o700).file("./a", "1"), t().dir(".", 0o755)] => ["d .", "a=1"];
    devices_and_the_like: [
        t().entry(b'3', "null", "", 0o666, b"").entry(b'4', "disk", "", 0o600, b"").entry(b'6', "pipe", "", 0o644, b""),
    ] => ["null:3", "disk:4", "pipe:6"];
}

/// A layer that is too large to be held.
#[tokio::test]
async fn the_last_of_a_name_in_a_large_layer() {
    let filler = "x".repeat(9 << 20);
    let image = || {
        stack([t()
            .file("a", "1")
            .file("b", &filler)
            .file("a", "2")
            .link("c", "a")])
    };
    let names = |tar: &[u8]| -> Vec<String> {
        let lines = listing(tar).into_iter().filter(|line| !line.starts_with("b="));
        lines.collect()
    };
    let (tar, end) = run(image(), &ExtractOptions::new()).await;
    end.expect("a good image");
    assert_eq!(names(&tar), ["a=1", "a=2", "c=>a"]);
    let refusing = ExtractOptions::new().with_replaced(Replaced::Refused);
    let (_, end) = run(image(), &refusing).await;
    let error = end.expect_err("refused");
    assert_eq!(error.to_string(), r#"layer 0 has "a" more than once"#);
    let (_, end) = run(stack([t().file("a", &filler), t().file("a", &filler)]), &refusing).await;
    end.expect("once in each layer");
    let (_, end) = run(stack([t().file("a", "1").file("a", "2")]), &refusing).await;
    end.expect("it is looked through");
    let leaving_out = ExtractOptions::new().with_replaced(Replaced::LeftOut);
    let (tar, end) = run(image(), &leaving_out).await;
    end.expect("a good image");
    assert_eq!(names(&tar), ["a=2", "c=>a"]);
}
