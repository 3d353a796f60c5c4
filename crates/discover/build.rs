//! The detectors are part of the program.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    embed::embed("../../packs/detectors/personal".as_ref(), "personal")?;
    embed::embed("../../packs/detectors/secrets".as_ref(), "secrets")
}
