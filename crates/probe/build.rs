//! The packs are part of the program: a new file in their folder is a reason to build again.

fn main() {
    println!("cargo::rerun-if-changed=../../packs/probes");
}
