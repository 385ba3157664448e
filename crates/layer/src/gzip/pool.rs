//! Threads that deflate blocks.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::block::{Block, Deflated, Deflater};

/// Blocks under way beside one for each thread, so that none need wait.
const SPARE: usize = 2;

/// Some threads. What is given to them comes back in the same order. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Pool {
    jobs: Option<Sender<Job>>,
    results: VecDeque<Receiver<io::Result<Deflated>>>,
    workers: Vec<JoinHandle<()>>,
}

struct Job {
    block: Block,
    last: bool,
    result: SyncSender<io::Result<Deflated>>,
}

impl Pool {
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(threads: NonZero<usize>, level: u32) -> io::Result<Self> {
        let (sender, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut pool = Self {
            jobs: Some(sender),
            results: VecDeque::new(),
            workers: Vec::new(),
        };
        for _ in 0..threads.get() {
            let jobs = Arc::clone(&jobs);
            match Builder::new()
                .name("deflate".into())
                .spawn(move || work(&jobs, level))
            {
                Ok(worker) => pool.workers.push(worker),
                // Fewer will do.
                Err(_) if !pool.workers.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(pool)
    }

    /// Whether a result must be taken before another block may be given.
    pub(super) fn is_busy(&self) -> bool {
        self.results.len() >= self.workers.len() + SPARE
    }

    pub(super) fn give(&mut self, block: Block, last: bool) -> io::Result<()> {
        let (result, receiver) = sync_channel(1);
        let jobs = self.jobs.as_ref().ok_or_else(died)?;
        jobs.send(Job { block, last, result }).map_err(|_| died())?;
        self.results.push_back(receiver);
        Ok(())
    }

    /// The next result, waited for; `None` when nothing is under way.
    pub(super) fn take(&mut self) -> Option<io::Result<Deflated>> {
        let receiver = self.results.pop_front()?;
        Some(receiver.recv().unwrap_or_else(|_| Err(died())))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // The few blocks that are under way are finished, for nobody: that takes milliseconds.
        self.results.clear();
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // One that panicked has told by the result that did not come.
            let _ = worker.join();
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, level: u32) {
    let mut deflater = Deflater::new(level);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { block, last, result }) = job else {
            return;
        };
        // Fails when nobody waits for it.
        let _ = result.send(deflater.deflate(&block, last));
    }
}

fn died() -> io::Error {
    io::Error::other("a thread that compresses has died")
}
