//! The published vectors of each algorithm; those that are not from a standard were made with
//! another program (Python's hashlib and hmac).

use data_encoding::HEXLOWER_PERMISSIVE;

use super::{Cipher, Hash, Padding};
use crate::seed::error::Unsupported;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
}

fn cipher(word: &str) -> Cipher {
    Cipher::of(&format!("http://www.w3.org/2001/04/xmlenc#{word}")).unwrap()
}

#[test]
fn cbc_decrypts_as_nist_sp_800_38a_appendix_f_2_says() {
    let keys = [
        ("aes128-cbc", "2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d"),
        (
            "aes192-cbc",
            "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
            "4f021db243bc633d7178183a9fa071e8",
        ),
        (
            "aes256-cbc",
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6",
        ),
    ];
    // The vectors have no padding. A second block of any bytes is one whose plain value ends in a
    // number that is none, but with a chance of 1 of 16; so the first block is looked at through
    // a padding that is made for it: the IV's last byte turns 0x2a into 1.
    for (word, key, sealed) in keys {
        let mut iv = hex("000102030405060708090a0b0c0d0e0f");
        iv[15] ^= 0x2a ^ 1;
        let plain = cipher(word).open(&hex(key), &[iv, hex(sealed)].concat(), Padding::Exact);
        assert_eq!(*plain.unwrap(), hex("6bc1bee22e409f96e93d7e11739317"), "{word}");
    }
}

#[test]
fn key_wrap_opens_the_vectors_of_rfc_3394_section_4() {
    let vectors = [
        ("kw-aes128", 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
        ("kw-aes192", 24, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
        ("kw-aes256", 32, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    ];
    for (word, length, sealed) in vectors {
        let key: Vec<u8> = (0..length).collect();
        let plain = cipher(word).open(&key, &hex(sealed), Padding::Any).unwrap();
        assert_eq!(*plain, hex("00112233445566778899aabbccddeeff"), "{word}");
    }
}

#[test]
fn every_flipped_bit_of_a_wrapped_key_is_noticed() {
    let key: Vec<u8> = (0..16).collect();
    let sealed = hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(cipher("kw-aes128").open(&key, &flipped, Padding::Any).is_none(), "bit {bit}");
    }
}

#[test]
fn values_that_no_cipher_can_have_made_do_not_open() {
    for (word, lengths) in [("aes128-cbc", 0..=31), ("kw-aes128", 0..=15)] {
        for length in lengths {
            let sealed = vec![7; length];
            assert!(cipher(word).open(&[1; 16], &sealed, Padding::Any).is_none(), "{length}");
        }
        let wrong_key = cipher(word).open(&[1; 24], &[7; 32], Padding::Any);
        assert!(wrong_key.is_none(), "{word} took a key of 24 bytes");
    }
}

#[test]
fn padding_may_be_any_bytes_only_where_a_mac_vouches_for_them() {
    // A block under a known key, with an IV that makes it end in what is wanted.
    let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
    let plain = hex("6bc1bee22e409f96e93d7e117393172a");
    let open = |end: [u8; 3], padding| {
        let mut iv = hex("000102030405060708090a0b0c0d0e0f");
        for (index, byte) in (13..16).zip(end) {
            iv[index] ^= plain[index] ^ byte;
        }
        let sealed = [iv, hex("7649abac8119b246cee98e9b12e9197d")].concat();
        cipher("aes128-cbc").open(&key, &sealed, padding).map(|plain| plain.len())
    };
    assert_eq!(open([3, 3, 3], Padding::Exact), Some(13));
    assert_eq!(open([9, 9, 3], Padding::Any), Some(13));
    assert_eq!(open([9, 9, 3], Padding::Exact), None);
    for none in [0, 17, 255] {
        assert_eq!(open([none; 3], Padding::Any), None, "{none}");
    }
    assert_eq!(open([9, 9, 16], Padding::Any), Some(0));
}

#[test]
fn each_mac_vouches_for_its_value_and_for_no_other() {
    let macs = [
        ("hmac-sha1", "c3aa37e4769a5b838c9bf6e7c7e67d4f59cbd6c3"),
        ("hmac-sha224", "6a12698a26c0c2cb5ae0d00ed0f6f53ed133ae3607ccdc4e41208ea4"),
        ("hmac-sha256", "6f76fcaa7b408850b1e9782e68557d3a0e351264c60fbcbd4781ad065b8705ee"),
        (
            "hmac-sha384",
            "ba24843ac0225f496cedf2911061b1c9deebfd64baa0484218d4c9fcc360b3e07c893ebee3a07f48ee3c6b5a6061cac0",
        ),
        (
            "hmac-sha512",
            "21417ef1da21944de5226a681e6c05dc870efb68756ca6ab37ad94b40c02b1c8d151ab970ba30c0d0b505aa2b9f1a4ce4ef658fb58b4033d8f65371322d4bdaf",
        ),
    ];
    for (word, tag) in macs {
        let hash = Hash::of(&format!("http://www.w3.org/2001/04/xmldsig-more#{word}")).unwrap();
        let mut tag = hex(tag);
        assert!(hash.vouches(b"key", b"a value", &tag), "{word}");
        assert!(!hash.vouches(b"key", b"a valuf", &tag), "{word}");
        assert!(!hash.vouches(b"kez", b"a value", &tag), "{word}");
        assert!(!hash.vouches(b"key", b"a value", &tag[..tag.len() - 1]), "{word} was cut");
        assert!(!hash.vouches(b"key", b"a value", b""), "{word} was left out");
        *tag.last_mut().unwrap() ^= 0x80;
        assert!(!hash.vouches(b"key", b"a value", &tag), "{word} was changed");
    }
}

#[test]
fn pbkdf2_derives_as_rfc_6070_says_and_with_every_hash() {
    let derive = |hash: Hash, rounds, length| hash.derive("password", b"salt", rounds, length);
    assert_eq!(*derive(Hash::Sha1, 4096, 20), hex("4b007901b765489abead49d926f721d065a429c1"));
    let others = [
        (Hash::Sha1, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957cae93136"),
        (Hash::Sha224, "93200ffa96c5776d38fa10abdf8f5bfc0054b9718513df47"),
        (Hash::Sha256, "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251df"),
        (Hash::Sha384, "54f775c6d790f21930459162fc535dbf04a939185127016a"),
        (Hash::Sha512, "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f004071"),
    ];
    for (hash, key) in others {
        assert_eq!(*derive(hash, 2, 24), hex(key), "{hash:?}");
        assert_eq!(*derive(hash, 2, 16), hex(&key[..32]), "{hash:?}");
    }
}

#[test]
fn what_is_not_supported_is_known_by_name() {
    let known = [
        ("http://www.w3.org/2001/04/xmlenc#tripledes-cbc", Unsupported::TripleDes),
        ("http://www.w3.org/2001/04/xmlenc#kw-tripledes", Unsupported::TripleDes),
        ("http://www.w3.org/2001/04/xmlenc#rsa-1_5", Unsupported::Rsa),
        ("http://www.w3.org/2001/04/xmlenc#rsa_1_5", Unsupported::Rsa),
        ("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", Unsupported::Rsa),
        ("http://www.w3.org/2009/xmlenc11#rsa-oaep", Unsupported::Rsa),
        ("http://www.w3.org/2001/04/xmldsig-more#camellia256-cbc", Unsupported::Camellia),
        ("http://www.w3.org/2001/04/xmldsig-more#kw-camellia128", Unsupported::Camellia),
        ("http://www.w3.org/2009/xmlenc11#aes128-gcm", Unsupported::Other),
        ("http://www.w3.org/2009/xmlenc11#kw-aes-128-pad", Unsupported::Other),
        ("http://www.w3.org/2001/04/xmlenc#aes512-cbc", Unsupported::Other),
        ("", Unsupported::Other),
    ];
    for (algorithm, kind) in known {
        assert_eq!(Cipher::of(algorithm), Err(kind), "{algorithm}");
    }
    for algorithm in ["", "hmac-md5", "http://www.w3.org/2000/09/xmldsig#sha1"] {
        assert_eq!(Hash::of(algorithm), None, "{algorithm}");
    }
}
