//! Whose fault an error is.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use crate::Error;

/// Who was first to fail. Errors pass through parsers and codecs that wrap or replace them, so the
/// culprit leaves the original here.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Rc<RefCell<Option<Error>>>);

impl Fault {
    pub(super) fn note(&self, error: Error) -> io::Error {
        self.0.borrow_mut().get_or_insert(error);
        io::Error::other("failed before")
    }

    /// The result, its error replaced by the original fault; without one it is `otherwise`'s.
    pub(super) fn explain<T>(
        &self,
        result: io::Result<T>,
        otherwise: impl FnOnce(io::Error) -> Error,
    ) -> Result<T, Error> {
        match (self.0.borrow_mut().take(), result) {
            (Some(fault), _) => Err(fault),
            (None, result) => result.map_err(otherwise),
        }
    }
}

/// A reader whose errors are faults of the input.
pub(super) struct Watched<R> {
    pub(super) reader: R,
    pub(super) fault: Fault,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.fault.note(Error::Read { source })),
                Ok(read) => return Ok(read),
            }
        }
    }
}
