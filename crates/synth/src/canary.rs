//! Canaries: a few people and all secrets, whose values may turn up in nothing that a reader leaves behind.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::noise::Source;
use crate::protect::digests;
use crate::secret::secrets;
use crate::world::World;

/// Every text that must not be found in any artefact: the values of the canaries and the secrets, as they are, in base64, in
/// hexadecimal digits, and as digests without a key, because a digest of a mobile number is the number.
pub fn needles(world: &World) -> Vec<String> {
    let mut values: Vec<Vec<u8>> = Vec::new();
    for person in world.canaries() {
        for source in [Source::Resident, Source::Mobile, Source::Card, Source::Email] {
            let mut value = Vec::new();
            world.write_clean(&person, source, &mut value);
            values.push(value);
        }
        let mut address = Vec::new();
        world.address(&person, &mut address);
        values.push(address);
        values.push(world.passport(&person).to_vec());
        values.push(world.credit_code(&person).to_vec());
    }
    values.extend(secrets(world.settings().seed).into_iter().flat_map(|secret| {
        [Some(secret.value), secret.password].into_iter().flatten().map(String::into_bytes)
    }));
    values.iter().flat_map(|value| disguises(value)).collect()
}

fn disguises(value: &[u8]) -> Vec<String> {
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        String::from_utf8_lossy(value).into_owned(),
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        hex.to_uppercase(),
        hex,
    ];
    all.extend(digests(value));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn every_canary_is_sought_in_every_disguise() {
        let world = World::new(Settings { canaries: 3, ..Settings::new(6, 100) }).unwrap();
        let needles = needles(&world);
        let person = world.canaries().next().unwrap();
        let number = String::from_utf8(world.resident_number(&person).to_vec()).unwrap();
        assert!(needles.contains(&number) && needles.contains(&STANDARD.encode(&number)));
        assert!(needles.iter().all(|needle| needle.len() >= 8));
    }
}
