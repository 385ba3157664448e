//! A layout that has just been made and holds nothing yet: what to take away if it stays so.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::lock::IndexLock;
use crate::marker::MARKER;
use crate::{Error, index_file};

/// Remembers what this process made of a layout that it created, until the first image is in it.
///
/// A layout that was there before has none of this: what a failed append stored in it are whole blobs,
/// which the next try finds and skips.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    root: Arc<Path>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
enum State {
    /// Nothing is listed yet. Every path that was made, in order, and how many are at work in here.
    Fresh { made: Vec<PathBuf>, at_work: usize },
    /// The layout is here to stay.
    Settled,
    /// It was taken away again. A writer that was abandoned may still be about to finish its blob.
    Gone,
}

impl Draft {
    /// For a layout that this process creates.
    pub(crate) fn fresh(root: &Path) -> Self {
        Self::of(
            root,
            State::Fresh {
                made: Vec::new(),
                at_work: 0,
            },
        )
    }

    /// For a layout that was there before.
    pub(crate) fn settled(root: &Path) -> Self {
        Self::of(root, State::Settled)
    }

    fn of(root: &Path, state: State) -> Self {
        Self {
            root: root.into(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Begins work: an append, or one of its writers. When the last work under way ends and none was
    /// [kept](Work::keep), a fresh layout is taken away.
    pub(crate) fn work(&self) -> Work {
        self.with(|state| match state {
            State::Fresh { at_work, .. } => *at_work += 1,
            State::Settled => {}
            State::Gone => {
                *state = State::Fresh {
                    made: Vec::new(),
                    at_work: 1,
                }
            }
        });
        Work {
            draft: self.clone(),
            takes_away: true,
        }
    }

    /// Makes files or directories such that they are either taken away with the rest or not made at
    /// all. `make` returns the paths it made, outermost first.
    pub(crate) fn make(&self, make: impl FnOnce() -> Result<Vec<PathBuf>, Error>) -> Result<(), Error> {
        self.with(|state| match state {
            State::Fresh { made, .. } => {
                made.extend(make()?);
                Ok(())
            }
            State::Settled => make().map(drop),
            State::Gone => Err(Error::Content(wharf_v1::Error::Aborted)),
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Work under way.
#[derive(Debug)]
pub(crate) struct Work {
    draft: Draft,
    takes_away: bool,
}

impl Work {
    /// Something is listed in the layout now: it stays.
    pub(crate) fn keep(self) {
        self.draft.with(|state| *state = State::Settled);
    }

    /// The layout was made, and the first image is still to come.
    pub(crate) fn pause(mut self) {
        self.takes_away = false;
    }
}

impl Drop for Work {
    /// Takes away when an append failed or its future was dropped: a few unlinks, so done on the spot.
    fn drop(&mut self) {
        let root = &self.draft.root;
        self.draft.with(|state| {
            let State::Fresh { made, at_work } = state else {
                return;
            };
            *at_work = at_work.saturating_sub(1);
            if *at_work == 0 && self.takes_away {
                roll_back(root, made);
                *state = State::Gone;
            }
        });
    }
}

/// Removes what was made, last first. A directory that holds anything else stays, and so does
/// everything when another process has listed an image or is about to.
fn roll_back(root: &Path, made: &[PathBuf]) {
    let lock = IndexLock::try_acquire(root);
    // Where making the file to lock is what failed, nobody can hold the lock.
    if lock.is_none() && root.join(MARKER).exists() {
        return;
    }
    if !index_file::is_empty_at(root) {
        return;
    }
    for path in made.iter().rev() {
        // A path may be made twice, or be gone already; what is left over is a whole blob.
        let _ = if path.is_dir() {
            fs::remove_dir(path)
        } else {
            fs::remove_file(path)
        };
    }
}
