//! A helper and what it has started.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The most processes that are looked after: a helper starts a few, and an endless number is an attack.
const MAX_PROCESSES: usize = 1 << 10;

/// Kills a child of ours that nobody has waited for yet, and what it has started, be it through others.
///
/// Each is stopped before it is asked for its children, so that it starts no more meanwhile, and none of theirs
/// goes and leaves its number to a stranger. What its parent has left, as a daemon is, is not found: who detaches
/// a process wants it to stay.
pub(super) fn kill(child: u32) {
    let Some(child) = pid(child) else { return };
    let mut found = vec![child];
    let mut next = 0;
    while let Some(process) = found.get(next).copied().filter(|_| found.len() < MAX_PROCESSES) {
        // It may have ended.
        let _ = kill_process(process, Signal::STOP);
        found.extend(children(process));
        next += 1;
    }
    for process in found {
        let _ = kill_process(process, Signal::KILL);
    }
}

/// The children of all threads of a process, as [the kernel tells them].
///
/// [the kernel tells them]: https://man7.org/linux/man-pages/man5/proc_tid_children.5.html
fn children(process: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()));
    let lists = threads.into_iter().flatten().flatten();
    let lists = lists.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let numbers = list.split_ascii_whitespace();
            let pids: Vec<Pid> = numbers.filter_map(|number| pid(number.parse().ok()?)).collect();
            pids
        })
        .collect()
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(number.try_into().ok()?)
}
