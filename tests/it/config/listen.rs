//! The listen address, as people and platforms write it.

use std::net::SocketAddr;

use users_sync::config::Config;

use super::{parse, with};

fn listen(config: Config) -> String {
    config.listen.to_string()
}

#[test]
fn an_address_may_omit_its_host_or_its_port() {
    for (written, meant) in [
        ("0.0.0.0:9000", "0.0.0.0:9000"),
        (":9000", "0.0.0.0:9000"),
        ("*:9000", "0.0.0.0:9000"),
        ("localhost:9000", "127.0.0.1:9000"),
        ("LocalHost", "127.0.0.1:8080"),
        ("9000", "127.0.0.1:9000"),
        ("0.0.0.0", "0.0.0.0:8080"),
        ("[::]:9000", "[::]:9000"),
        (":::9000", "[::]:9000"),
        ("[::1]", "[::1]:8080"),
        ("::", "[::]:8080"),
        (" 192.0.2.1 ", "192.0.2.1:8080"),
    ] {
        let config = with(&[("LISTEN_ADDR", written)]).expect(written);
        assert_eq!(listen(config), meant, "{written}");
    }
}

#[test]
fn an_invalid_address_is_refused_with_examples() {
    for written in [
        "example.com:80",
        "http://127.0.0.1:8080",
        "127.0.0.1:",
        ":",
        "70000",
        "1.2.3.4:x",
        "1.2.3",
    ] {
        let refused = with(&[("LISTEN_ADDR", written)]).expect_err(written).to_string();
        assert!(refused.contains("LISTEN_ADDR: is not an IP address and a port"), "{refused}");
    }
}

#[test]
fn the_variable_port_overrides_the_port_of_the_address() {
    let both = |address| [("LISTEN_ADDR", address), ("PORT", "3000")];

    for (address, meant) in [
        ("0.0.0.0:9000", "0.0.0.0:3000"),
        ("localhost:9000", "127.0.0.1:3000"),
        ("[::]", "[::]:3000"),
    ] {
        assert_eq!(listen(with(&both(address)).expect("both can be used")), meant);
    }
}

#[test]
fn a_lone_port_listens_on_every_interface_unless_the_database_is_embedded() {
    let port = ("PORT", "3000");

    let on_a_platform = with(&[port]).expect("it can be used");
    let at_home = parse(&[port, ("HOME", "/home/ada")]).expect("it can be used");

    assert_eq!(listen(on_a_platform), "0.0.0.0:3000");
    assert_eq!(at_home.listen, SocketAddr::from(([127, 0, 0, 1], 3000)));
}
