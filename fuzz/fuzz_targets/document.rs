//! Documents that a registry sent: any bytes keep their digest, and edits lose nothing that was understood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use wharf_v1::{Document, View};

fn check<T: View>(bytes: &[u8]) {
    let document = Document::<T>::new(bytes.to_vec(), MediaType::ImageManifest);
    assert_eq!(&document.raw()[..], bytes);
    assert_eq!(document.digest(), &wharf_v1::sha256(bytes));

    let Ok(view) = document.view() else { return };
    let same = document.edit(|_| {}).expect("it has a view");
    assert_eq!(same.raw(), document.raw());
    let canonical = document.canonical().expect("it has a view");
    assert_eq!(canonical.view().expect("what we write we read"), view);
    let again = canonical.canonical().expect("it has a view");
    assert_eq!(again.raw(), canonical.raw());
    let indented = document.indented("  ").expect("it has a view");
    assert_eq!(indented.view().expect("only blanks changed"), view);
}

fuzz_target!(|bytes: &[u8]| {
    check::<ImageManifest>(bytes);
    check::<ImageIndex>(bytes);
    check::<ImageConfiguration>(bytes);
});
