//! The packs are part of the program.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    embed::embed("../../packs/probes".as_ref(), "probes")
}
