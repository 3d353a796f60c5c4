//! The support dates are part of the program.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    embed::embed("../../packs/lifecycle".as_ref(), "lifecycle")
}
