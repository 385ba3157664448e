//! Layers made here: from tar files, readers and directories, in one pass.
