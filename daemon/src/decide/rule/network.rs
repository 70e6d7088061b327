//! A network of a rule: an address, or all that begin as it does (RFC 4632 section 3.1).

use std::{fmt, net::IpAddr};

/// A network. IPv4 addresses are written as such: one inside IPv6 (RFC 4291 section 2.5.5.2) is
/// read as the IPv4 address that it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    /// Its lowest address.
    address: IpAddr,
    /// Bits with which its addresses begin: up to 32, or 128 in IPv6.
    prefix: u32,
}

/// A text is no network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadNetwork {
    /// It is neither an address nor an address with a prefix length.
    Form,
    /// It has bits behind its prefix; it was perhaps this network that was meant.
    HostBits(Network),
}

impl Network {
    /// Parses `192.0.2.0/24`, `2001:db8::/32` or a single address.
    ///
    /// # Errors
    ///
    /// [`BadNetwork`].
    pub fn parse(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadNetwork::Form)?;
        if address.to_canonical() != address {
            return Err(BadNetwork::Form);
        }
        let width = width(address);
        let prefix = match prefix {
            None => width,
            Some(text) if is_number(text) => text.parse().map_err(|_| BadNetwork::Form)?,
            Some(_) => return Err(BadNetwork::Form),
        };
        if prefix > width {
            return Err(BadNetwork::Form);
        }
        let network = Self { address, prefix };
        let lowest = bits(address) & network.mask();
        if lowest == bits(address) {
            return Ok(network);
        }
        Err(BadNetwork::HostBits(Self { address: with_bits(address, lowest), prefix }))
    }

    /// Tells whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4()
            && bits(address) & self.mask() == bits(self.address)
    }

    /// Tells whether all addresses of another one are in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    /// Returns the bits that its addresses share, in the lowest bits of the number.
    fn mask(&self) -> u128 {
        let width = width(self.address);
        let all = u128::MAX.checked_shr(128 - width).unwrap_or_default();
        let free = all.checked_shr(self.prefix).unwrap_or_default();
        // With a width below 128, a shift by the prefix leaves just the bits behind it.
        all & !free
    }
}

/// Returns the bits of an address: 32 or 128.
fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Returns an address as a number.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// Returns the address of the same kind with these bits.
fn with_bits(kind: IpAddr, bits: u128) -> IpAddr {
    match kind {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(bits).unwrap_or_default().into()),
        IpAddr::V6(_) => IpAddr::V6(bits.into()),
    }
}

/// Tells whether a text is a prefix length as people write it: digits, no sign.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Network {
    /// As it stands in the configuration file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix == width(self.address) {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BadNetwork, Network};

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        for (network, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.0/24", "::ffff:192.0.2.7", true),
            ("192.0.2.0/24", "::c000:207", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.7/32", "192.0.2.7", true),
            ("2001:db8::1/128", "2001:db8::1", true),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "127.0.0.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::2", false),
        ] {
            assert_eq!(contains(network, address), expected, "{network} {address}");
        }
    }

    #[test]
    fn bits_behind_the_prefix_are_refused_with_the_network_that_was_meant() {
        for (text, meant) in [
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("1.0.0.0/0", "0.0.0.0/0"),
        ] {
            let Err(BadNetwork::HostBits(network)) = Network::parse(text) else { panic!("{text}") };
            assert_eq!(network.to_string(), meant);
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/008x",
            "10.0.0/8",
            "::/129",
            "fe80::1%eth0",
            "localhost",
            "host.example.org",
            "10.0.0.0/8/8",
            " 10.0.0.1",
            "::ffff:10.0.0.0/104",
            "010.0.0.1",
            "10.0.0.0/255.0.0.0",
        ] {
            assert_eq!(Network::parse(text), Err(BadNetwork::Form), "{text:?}");
        }
    }

    #[test]
    fn a_wider_network_covers_a_narrower_one_of_its_kind() {
        let covers = |wider, narrower| {
            Network::parse(wider).unwrap().covers(&Network::parse(narrower).unwrap())
        };
        assert!(covers("10.0.0.0/8", "10.1.0.0/16") && covers("10.0.0.0/8", "10.0.0.0/8"));
        assert!(!covers("10.1.0.0/16", "10.0.0.0/8") && !covers("::/0", "10.0.0.0/8"));
    }
}
