//! A Kafka that names other brokers: clients follow such addresses, an audit must not.

use testkit::emulator::Emulator;
use testkit::emulator::replay::Replay;

use crate::harness::audit_one;

/// An answer: its length, the number of the request as this program chooses it, the rest.
fn answer(rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 4).unwrap().to_be_bytes();
    [length.as_slice(), b"wtka", rest].concat()
}

/// A broker without a login, whose cluster has one topic and, so it says, one more broker at `port`.
fn broker(port: u16) -> Emulator {
    let supports = b"\0\0\0\0\0\x03\0\x03\0\0\0\x0c\0\x11\0\0\0\x01\0\x12\0\0\0\x04";
    let one = |id: u8, host: &[u8], port: u16| {
        let length = u8::try_from(host.len()).unwrap();
        [&[0, 0, 0, id, 0, length], host, &u32::from(port).to_be_bytes(), &[0xff, 0xff]].concat()
    };
    let brokers = [one(1, b"127.0.0.1", port), one(2, b"other.example", 9092)].concat();
    let topic = b"\0\0\0\x06orders\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\x0d\xf8";
    let metadata = [
        b"\0\0\0\0\0\0\0\x02".as_slice(),
        &brokers,
        b"\0\x03lab\0\0\0\x01\0\0\0\x01",
        topic,
        &0x1fa0_u32.to_be_bytes(),
    ];
    Replay::new()
        .on(&b"\0\0\0\x14\0\x12\0\0wtka"[..], answer(supports))
        .on(&b"\0\0\0\x20\0\x11\0\x01wtka"[..], answer(b"\0\x22\0\0\0\0"))
        .on(&b"\0\0\0\x1b\0\x03\0\x08wtka"[..], answer(&metadata.concat()))
        .start()
        .unwrap()
}

#[test]
fn the_addresses_that_a_broker_names_are_never_dialled() {
    let other = Replay::new().start().unwrap();
    let server = broker(other.address.port());
    let (run, record) = audit_one(server.address);
    assert_eq!((&record["service"], &record["verdict"]), (&"kafka".into(), &"OPEN".into()), "{record:#}");
    assert_eq!(record["counts"]["brokers"], 2);
    assert_eq!(record["counts"]["topics"], 1);
    assert_eq!(other.connections(), 0);
    // Neither are names of topics and brokers told.
    assert!(!run.stdout.contains("orders") && !run.stdout.contains("other.example"), "{}", run.stdout);
}
