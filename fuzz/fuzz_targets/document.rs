//! Documents that a registry sent: any bytes have a digest, keep their bytes, and are parsed or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest, MediaType};
use wharf_v1::{Document, View};

fn check<T: View>(bytes: &[u8]) {
    let document = Document::<T>::new(bytes.to_vec(), MediaType::ImageManifest);
    let _ = document.view();
    assert_eq!(&document.raw()[..], bytes);
    assert_eq!(document.digest(), &wharf_v1::sha256(bytes));
}

fuzz_target!(|bytes: &[u8]| {
    check::<ImageManifest>(bytes);
    check::<ImageIndex>(bytes);
    check::<ImageConfiguration>(bytes);
});
