//! Images from images: append layers, edit configs and annotations.
