mod edit;
mod goldens;
mod view;
