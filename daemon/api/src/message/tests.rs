use zbus::{
    Variant,
    wire::{BE, Endian, LE, serialized::Context, serialized::Data, to_bytes},
};

use super::{Body, Fields, Header, Kind, message, room};
use crate::{LoginSession, VerifyContext, VerifyDetails};

type Values = (String, String, VerifyDetails);

/// `Verify`'s reply to call 1 with accept for alice, written down by hand.
fn accept() -> Vec<u8> {
    let mut bytes = vec![b'l', 2, 1, 1, 32, 0, 0, 0, 9, 0, 0, 0, 21, 0, 0, 0];
    bytes.extend([5, 1, b'u', 0, 1, 0, 0, 0, 8, 1, b'g', 0, 7]);
    bytes.extend(b"ssa{sv}\0\0\0\0");
    bytes.extend(b"\x06\0\0\0accept\0\0\x05\0\0\0alice\0\0\0\0\0\0\0\0\0\0\0");
    bytes
}

/// The same with everything that a verdict may carry, and a key that nobody knows yet.
fn rich(endian: Endian) -> Vec<u8> {
    let later: Vec<(u8, std::collections::HashMap<&str, Vec<u64>>)> =
        vec![(7, [("x", vec![1, 2])].into()), (8, [].into())];
    let details: Vec<(&str, Variant<'_>)> = vec![
        ("last_used", 1_772_529_179_u64.into()),
        ("last_from", "10.0.0.7".into()),
        ("later", Variant::new(later)),
        ("wrong_since", 2_u32.into()),
    ];
    let details: std::collections::BTreeMap<_, _> = details.into_iter().collect();
    let body = to_bytes(Context::new(endian, 0), &("accept", "alice", details)).unwrap();
    let fields: Vec<(u8, Variant<'_>)> =
        vec![(5, 1_u32.into()), (7, ":1.9".into()), (99, "later".into())];
    let order = if endian == LE { b'l' } else { b'B' };
    let header = (order, 2_u8, 1_u8, 1_u8, body.len() as u32, 9_u32, fields);
    let mut bytes = to_bytes(Context::new(endian, 0), &header).unwrap().to_vec();
    // zbus writes a signature of several types as that of a structure.
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(b"\x08\x01g\0\x07ssa{sv}\0");
    let length = (bytes.len() - 16) as u32;
    let length = if endian == LE { length.to_le_bytes() } else { length.to_be_bytes() };
    bytes[12..16].copy_from_slice(&length);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend_from_slice(&body);
    bytes
}

/// Reads a reply to call 1 as the module does.
fn ours(bytes: &[u8]) -> Option<Values> {
    let (header, mut body) = Header::read(bytes).ok()?;
    let ours = header.kind == Kind::Return && header.reply_serial == Some(1);
    if !ours || header.signature != "ssa{sv}" {
        return None;
    }
    let (word, about) = (body.string()?.to_owned(), body.string()?.to_owned());
    let details = VerifyDetails::read(&mut body)?;
    body.is_at_end().then_some((word, about, details))
}

/// Reads the same by zbus.
fn theirs(bytes: &[u8]) -> Option<Values> {
    let endian = if *bytes.first()? == b'l' { LE } else { BE };
    let data = Data::new(bytes, Context::new(endian, 0));
    type Fixed<'a> = (u8, u8, u8, u8, u32, u32, Vec<(u8, Variant<'a>)>);
    let (header, read) = data.deserialize::<Fixed<'_>>().ok()?;
    let body = data.bytes().get(read.next_multiple_of(8)..)?;
    (header.1 == 2 && header.4 as usize == body.len()).then_some(())?;
    let serial = header.6.iter().find(|(code, _)| *code == 5)?;
    matches!(serial.1, Variant::U32(1)).then_some(())?;
    let data = Data::new(body, Context::new(endian, 0));
    let (values, read) = data.deserialize::<Values>().ok()?;
    (read == body.len()).then_some(values)
}

#[test]
fn a_message_is_what_the_specification_says() {
    let fields =
        Fields { path: Some("/a"), interface: Some("b.c"), member: Some("D"), ..Fields::default() };
    let call = message(b"\0AUTH", Kind::Call, 7, &fields, &Body::new("s", 0).string("xy"));
    let expected = b"\0AUTHl\x01\0\x01\x07\0\0\0\x07\0\0\0\x37\0\0\0\
        \x01\x01o\0\x02\0\0\0/a\0\0\0\0\0\0\
        \x02\x01s\0\x03\0\0\0b.c\0\0\0\0\0\
        \x03\x01s\0\x01\0\0\0D\0\0\0\0\0\0\0\
        \x08\x01g\0\x01s\0\0\
        \x02\0\0\0xy\0";
    assert_eq!(call.as_slice(), expected);
}

#[test]
fn a_dictionary_is_what_zbus_writes() {
    let name = "n".repeat(255);
    for (service, tty, nullok) in [
        (Some("sshd".to_owned()), None, None),
        (None, None, None),
        (Some(name), Some("pts/1".to_owned()), Some(true)),
    ] {
        let session = nullok.and_then(|_| LoginSession::parse("1000:3:1204:88217:34816"));
        let context = VerifyContext { service, rhost: Some("h".to_owned()), tty, nullok, session };
        let body = Body::new("sa{sv}", 0).string("xy").dictionary(|entries| context.write(entries));
        let whole = message(&[], Kind::Call, 1, &Fields::default(), &body);
        let (_, read) = Header::read(&whole).unwrap();
        let data = Data::new(read.rest(), Context::new(LE, 0));
        let (text, theirs): (String, VerifyContext) = data.deserialize().unwrap().0;
        assert_eq!((text.as_str(), format!("{theirs:?}")), ("xy", format!("{context:?}")));
        let again = VerifyContext::read(&mut {
            let mut body = read;
            body.string().unwrap();
            body
        });
        assert_eq!(format!("{:?}", again.unwrap()), format!("{context:?}"));
    }
}

#[test]
fn the_longest_call_fits_the_room_so_that_no_copy_of_the_code_is_left() {
    let name = "n".repeat(255);
    let context = VerifyContext {
        service: Some(name.clone()),
        rhost: Some(name.clone()),
        tty: Some(name.clone()),
        nullok: Some(true),
        session: LoginSession::new((u32::MAX - 1, u32::MAX - 1), (u32::MAX, u64::MAX), u32::MAX),
    };
    assert!(context.session.is_some());
    let body = Body::new("ssa{sv}", room(&[&name, "12345678"]) + context.room())
        .string(&name)
        .string("12345678");
    let body = body.dictionary(|entries| context.write(entries));
    let fields = Fields {
        path: Some("/org/fobd/Fob1"),
        interface: Some("org.fobd.Fob1"),
        member: Some("Verify"),
        destination: Some(&name),
        ..Fields::default()
    };
    assert!(body.is_in_place());
    let whole = message(&[b'a'; 64], Kind::Call, 1, &fields, &body);
    let values = Header::read(&whole[64..]).unwrap().1.rest().len();
    let texts = ["/org/fobd/Fob1", "org.fobd.Fob1", "Verify", "", &name, "ssa{sv}", ""];
    assert_eq!(whole.capacity(), 64 + super::FIXED_HEADER + room(&texts) + values);
}

#[test]
fn a_reply_is_read_in_both_byte_orders() {
    for bytes in [accept(), rich(LE), rich(BE)] {
        let (word, user, _) = ours(&bytes).unwrap();
        assert_eq!((word.as_str(), user.as_str()), ("accept", "alice"));
        assert_eq!(format!("{:?}", ours(&bytes)), format!("{:?}", theirs(&bytes)));
    }
    let (_, _, details) = ours(&rich(BE)).unwrap();
    assert_eq!((details.last_used, details.wrong_since), (Some(1_772_529_179), Some(2)));
    assert_eq!(details.last_from.as_deref(), Some("10.0.0.7"));
}

#[test]
fn every_truncation_is_damage() {
    for whole in [accept(), rich(LE)] {
        for length in 0..whole.len() {
            assert!(ours(&whole[..length]).is_none(), "{length} bytes were enough");
        }
        assert!(ours(&[whole, vec![0]].concat()).is_none(), "a byte too many was enough");
    }
}

/// Every byte takes every value: nothing panics, and whatever is read, zbus reads as the same.
#[test]
fn every_change_of_one_byte_is_read_as_zbus_reads_it_or_refused() {
    for whole in [accept(), rich(LE)] {
        for at in 0..whole.len() {
            for value in 0..=u8::MAX {
                let mut bytes = whole.clone();
                bytes[at] = value;
                if let Some(values) = ours(&bytes) {
                    let (ours, theirs) =
                        (format!("{:?}", Some(values)), format!("{:?}", theirs(&bytes)));
                    assert_eq!(ours, theirs, "byte {at} = {value}");
                }
            }
        }
    }
}

#[test]
fn a_field_that_stands_twice_is_damage() {
    let mut bytes = vec![b'l', 2, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 16, 0, 0, 0];
    bytes.extend([5, 1, b'u', 0, 1, 0, 0, 0, 5, 1, b'u', 0, 2, 0, 0, 0]);
    assert!(Header::read(&bytes).is_err());
}

#[test]
fn containers_that_lie_too_deep_in_each_other_are_damage() {
    let deep = |depth: usize| {
        let mut reader = super::Reader::of(&[0; 64]);
        reader.pass(&("a".repeat(depth) + "u"))
    };
    assert_eq!((deep(8), deep(40)), (Some(()), None));
}
