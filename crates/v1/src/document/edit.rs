//! New documents: from a typed view, and from another document.

use bytes::Bytes;
use oci_spec::image::MediaType;
use serde_json::Value;
use serde_json::value::RawValue;

use super::canonical::{self, Sides};
use super::parse::{self, InvalidAs as _};
use super::schema::Schema;
use super::{Document, View, json};
use crate::Error;

impl<T: View> Document<T> {
    /// A new document that says what `view` says, in canonical form. A manifest or index gets
    /// `media_type` as its `mediaType`.
    ///
    /// Canonical is what go-containerregistry writes: no blanks, fields in the order of its structs,
    /// maps sorted, its escapes, and the fields that it always writes. So the same content has the same
    /// digest everywhere.
    ///
    /// ```
    /// use wharf_v1::Config;
    /// use wharf_v1::oci_spec::image::{ImageConfigurationBuilder, MediaType};
    ///
    /// let view = ImageConfigurationBuilder::default().architecture("amd64").os("linux").build()?;
    /// let config = Config::from_view(view, MediaType::ImageConfig);
    /// assert!(config.raw().starts_with(br#"{"architecture":"amd64","created":"0001-01-01T00:00:00Z""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn from_view(mut view: T, media_type: MediaType) -> Self {
        view.set_own_media_type(media_type.clone());
        let after = wire(&view);
        let raw = write::<T>(Sides {
            after: Some(&after),
            ..Sides::default()
        });
        Self::new(raw, media_type)
    }

    /// A document that says what this one does, except for what `edit` changes in the typed view.
    ///
    /// Nothing else is lost: what the view does not know stays as it is, on every level. In a list of
    /// descriptors it stays with its digest, in a history with its entry. When `edit` changes nothing
    /// the result is this document, byte for byte; else it is in canonical form, see
    /// [`from_view`](Self::from_view), with unknown fields behind the known ones.
    ///
    /// The media type stays, unless `edit` sets the `mediaType` field of a manifest or index.
    ///
    /// ```
    /// use wharf_v1::Config;
    /// use wharf_v1::oci_spec::image::MediaType;
    ///
    /// let config = Config::new(r#"{"os":"linux","x-vendor":{"kept":true}}"#, MediaType::ImageConfig);
    /// let edited = config.edit(|config| {
    ///     config.set_author(Some("dave".to_owned()));
    /// })?;
    /// assert!(edited.raw().ends_with(br#""x-vendor":{"kept":true}}"#));
    /// # Ok::<(), wharf_v1::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn edit(&self, edit: impl FnOnce(&mut T)) -> Result<Self, Error> {
        self.edited(edit, false)
    }

    /// Like [`edit`](Self::edit), but an element of a list that keeps its length is taken for the same
    /// element at its place, also when its digest changes: what the view does not know of it stays.
    ///
    /// For content that was exchanged for another form of it: a layer that was compressed anew, a child
    /// of an index that was edited.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn edit_in_place(&self, edit: impl FnOnce(&mut T)) -> Result<Self, Error> {
        self.edited(edit, true)
    }

    fn edited(&self, edit: impl FnOnce(&mut T), in_place: bool) -> Result<Self, Error> {
        let before = self.view()?;
        let mut after = before.clone();
        edit(&mut after);
        if after == *before {
            return Ok(self.clone());
        }
        let media_type = match after.own_media_type() {
            Some(media_type) if Some(media_type) != before.own_media_type() => media_type.clone(),
            _ => self.media_type().clone(),
        };
        Ok(Self::new(self.overlaid(before, &after, in_place)?, media_type))
    }

    /// This document in canonical form, see [`from_view`](Self::from_view), with unknown fields behind
    /// the known ones.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn canonical(&self) -> Result<Self, Error> {
        let view = self.view()?;
        Ok(Self::new(
            self.overlaid(view, view, false)?,
            self.media_type().clone(),
        ))
    }

    /// This document spread over lines, each level of nesting indented by one more `unit` of blanks.
    /// Other than by blanks it is not changed.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn indented(&self, unit: &str) -> Result<Self, Error> {
        self.view()?;
        let text = json::indent(&json::compact(self.base()?.get()), unit);
        Ok(Self::new(text, self.media_type().clone()))
    }

    /// The same bytes, stored as `media_type`. Their own `mediaType` field, if they have one, stays.
    #[must_use]
    pub fn with_media_type(&self, media_type: MediaType) -> Self {
        Self::of(self.raw().clone(), self.digest().clone(), media_type)
    }

    fn overlaid(&self, before: &T, after: &T, in_place: bool) -> Result<Bytes, Error> {
        let (base, before, after) = (self.base()?, wire(before), wire(after));
        Ok(write::<T>(Sides {
            base: Some(base),
            before: Some(&before),
            after: Some(&after),
            in_place,
        }))
    }

    fn base(&self) -> Result<&RawValue, Error> {
        serde_json::from_slice(self.raw()).invalid_as(T::KIND)
    }
}

fn write<T: View>(sides: Sides<'_>) -> Bytes {
    let text = canonical::object(Schema::of(T::KIND), sides);
    text.expect("what is there after an edit is written").into()
}

fn wire<T: View>(view: &T) -> Value {
    parse::untyped(Schema::of(T::KIND), view)
}
