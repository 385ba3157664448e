//! Sending a blob whose digest is known only when all of it was sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use oci_spec::image::Descriptor;
use wharf_transport::{Body, Opener};
use wharf_v1::{ByteStream, Layer};

use crate::client::{BlobSize, UploadMode};
use crate::error::{Error, Operation};
use crate::events::Event;
use crate::write::Destination;
use crate::write::meter::{Meter, Unfinished};
use crate::write::session::Session;
use crate::write::upload::is_ambiguous;

impl Destination {
    /// `POST`, one `PATCH` with the bytes as they come, and a `PUT` that names the digest they turned out to have.
    ///
    /// The bytes cannot be had a second time, so nothing is repeated, except that the registry is asked for the blob
    /// when only the last request failed. Where they go in chunks, each is in memory and can be sent again.
    pub(super) async fn upload_stream(&self, layer: &Arc<dyn Layer>) -> Result<Descriptor, Error> {
        let _permit = self.host.upload(BlobSize::Large).await;
        let repository = &self.repository;
        let failed = |error| Error::content(Operation::WriteBlob, repository, error);
        self.emit(Event::BlobStarted {
            repository,
            descriptor: None,
        });
        // The handshake, if one is needed, is over before the bytes that can be sent only once are touched.
        let mut session = self.begin().await?;
        let meter = Meter::new(self.client.clone(), repository.clone(), None);
        let unfinished = Unfinished::new(&meter);
        let stream = layer.compressed().await.map_err(failed)?;
        match self.host.upload_modes.mode() {
            UploadMode::Chunks(chunk) => {
                let chunk = chunk.get().max(session.chunk_min());
                self.patch_chunks(&mut session, stream, chunk, &meter).await?;
            }
            UploadMode::Put | UploadMode::Patch => {
                let body = Body::one_shot(meter.body().stream(stream), None);
                let sent = self.patch(repository, &mut session, None, body).await;
                sent.map_err(|error| meter.fault().map_or(error, failed))?;
            }
        }
        let descriptor = layer.descriptor().await.map_err(failed)?;
        if let Err(error) = self.put(&descriptor, &mut session, Body::empty()).await
            && !self.has_blob(&descriptor).await.unwrap_or(false)
        {
            return Err(error);
        }
        unfinished.done();
        let descriptor = &descriptor;
        self.emit(Event::BlobPlanned {
            repository,
            descriptor,
        });
        self.emit(Event::BlobPushed {
            repository,
            descriptor,
        });
        Ok(descriptor.clone())
    }

    async fn patch_chunks(
        &self,
        session: &mut Session,
        mut stream: ByteStream,
        chunk: u64,
        meter: &Meter,
    ) -> Result<(), Error> {
        let repository = &self.repository;
        let failed = |error| Error::content(Operation::WriteBlob, repository, error);
        let (mut start, mut next) = (0, BytesMut::new());
        loop {
            let read = stream.next().await.transpose().map_err(failed)?;
            let is_end = read.is_none();
            next.extend_from_slice(&read.unwrap_or_default());
            while next.len() as u64 >= chunk || (is_end && !next.is_empty()) {
                let length = usize::try_from(chunk).unwrap_or(usize::MAX).min(next.len());
                let bytes = next.split_to(length).freeze();
                self.patch_chunk(session, start, bytes, meter).await?;
                start += length as u64;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// Sends one chunk, and what the registry does not have of it again.
    async fn patch_chunk(
        &self,
        session: &mut Session,
        start: u64,
        bytes: Bytes,
        meter: &Meter,
    ) -> Result<(), Error> {
        let end = start + bytes.len() as u64;
        let mut at = start;
        let mut failures = 0;
        while at < end {
            let skip = usize::try_from(at - start).unwrap_or(usize::MAX).min(bytes.len());
            let body = Self::chunk_body(bytes.slice(skip..), at, meter);
            let sent = self.patch(&self.repository, session, Some((at, end)), body).await;
            let Err(error) = sent else {
                break;
            };
            failures += 1;
            if !is_ambiguous(&error) || failures >= self.client.settings().attempts {
                return Err(error);
            }
            let pause = self.pause(failures, &error);
            self.emit(Event::Waiting {
                repository: &self.repository,
                digest: None,
                pause,
                error: &error,
            });
            tokio::time::sleep(pause).await;
            match session.status().await {
                Some(offset) if (start..=end).contains(&offset) => at = offset,
                _ => return Err(error),
            }
            meter.rewind(at);
        }
        Ok(())
    }

    fn chunk_body(bytes: Bytes, at: u64, meter: &Meter) -> Body {
        let (length, watch) = (bytes.len() as u64, meter.body());
        let open: Opener = Arc::new(move || {
            let stream = ByteStream::from_bytes(bytes.clone());
            watch.begin(at);
            let stream = watch.clone().stream(stream);
            Box::pin(async { Ok(stream) })
        });
        Body::reopenable(Some(length), open)
    }
}
