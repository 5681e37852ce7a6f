//! Tests of the services of apps that run as processes, from the host's own sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};

use vmos_machine_tests::broker::Broker;
use vmos_machine_tests::ethernet::Wire;
use vmos_machine_tests::multicast_dns;
use vmos_machine_tests::ports::{free_tcp, free_udp};
use vmos_machine_tests::time_server::TimeServer;
use vmos_machine_tests::tls_server::TlsServer;
use xtask::forward::{Forward, Protocol};
use xtask::gateway::Gateway;
use xtask::qemu::{GUEST_ADDRESS, Network};

use super::{PATIENCE, Running, disk, folder, run, text};

/// The address that apps get, and the gateway's.
const IP: &str = "ip=10.0.2.15/24,10.0.2.2";

/// Starts a gateway that forwards a port of the host to one of the process.
fn gateway(protocol: Protocol, host: u16, guest: u16) -> Gateway {
    let forward = Forward {
        protocol,
        host,
        guest,
    };
    let started = Gateway::start(&Network::User {
        ipv6: false,
        address: GUEST_ADDRESS.to_owned(),
        forwards: vec![forward],
    });
    started.expect("QEMU starts")
}

/// Starts an app with one TCP port; returns it, its gateway, and the port of the host.
fn serve(app: &str, port: u16, arguments: &[&str]) -> (Running, Gateway, u16) {
    let host = free_tcp().expect("a port is free");
    let gateway = gateway(Protocol::Tcp, host, port);
    let wire = gateway.wire();
    let mut running = Running::start(app, &[&["--net", &wire, IP], arguments].concat());
    running.line("ready: ");
    (running, gateway, host)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the gateway accepts");
    let limited = stream.set_read_timeout(Some(PATIENCE));
    limited.expect("the host has timeouts");
    stream
}

#[test]
fn a_datagram_comes_back() {
    let host = free_udp().expect("a port is free");
    let gateway = gateway(Protocol::Udp, host, 7);
    // Without an address, by DHCP.
    let mut echo = Running::start("udp-echo", &["--net", &gateway.wire()]);
    echo.line("ready: ");
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let limited = socket.set_read_timeout(Some(PATIENCE));
    limited.expect("the host has timeouts");
    let sent = socket.send_to(b"hello", (Ipv4Addr::LOCALHOST, host));
    sent.expect("room for a datagram");
    let mut bytes = [0; 16];
    let len = socket.recv(&mut bytes).expect("the datagram comes back");
    assert_eq!(&bytes[..len], b"hello");
}

#[test]
fn a_page_is_served() {
    let (_http, _gateway, port) = serve("http", 80, &[]);
    let mut stream = connect(port);
    let request = b"GET / HTTP/1.1\r\nHost: vmos\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("room for a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("</html>"), "{answer}");
}

/// Sends a line to `kv`, and returns its answer.
fn say(port: u16, line: &str) -> String {
    let mut stream = BufReader::new(connect(port));
    let sent = stream.get_mut().write_all(format!("{line}\n").as_bytes());
    sent.expect("room for a line");
    let mut answer = String::new();
    stream.read_line(&mut answer).expect("an answer");
    answer.trim_end().to_owned()
}

#[test]
fn a_value_outlives_the_process_that_is_killed() {
    let folder = folder();
    let disk = disk(folder.path(), 4 << 20);
    for (line, expected) in [("set colour blue", "ok"), ("get colour", "blue")] {
        // The end of the test's block kills the process.
        let (_kv, _gateway, port) = serve("kv", 7, &["--disk", &disk]);
        assert_eq!(say(port, line), expected);
    }
}

#[test]
fn a_shell_is_reached_by_telnet() {
    let (_shell, _gateway, port) = serve("shell", 23, &[]);
    let mut stream = connect(port);
    let typed = stream.write_all(b"memory\r\0exit\r\0");
    typed.expect("room for two lines");
    let mut said = Vec::new();
    let ended = stream.read_to_end(&mut said);
    ended.expect("`exit` ends the session");
    let said = text(&said);
    assert!(
        said.contains("> memory\r\n") && said.contains("\r\nheap"),
        "{said}"
    );
}

/// Starts a gateway to the host's own address, which is 10.0.2.2 for the process.
fn way_out() -> Gateway {
    gateway(Protocol::Udp, free_udp().expect("a port is free"), 7)
}

#[test]
fn mqtt_as_a_process_publishes_to_a_broker_of_the_host() {
    let folder = folder();
    let broker = Broker::start(folder.path()).expect("the broker");
    let gateway = way_out();
    let word = format!("mqtt=10.0.2.2:{}", broker.port);
    let mut mqtt = Running::start("mqtt", &["--net", &gateway.wire(), IP, &word]);
    mqtt.line("ready: announced to the broker");
}

#[test]
fn ntp_as_a_process_sets_its_clock_by_a_server_of_the_host() {
    let server = TimeServer::start().expect("the server");
    let gateway = way_out();
    let word = format!("ntp=10.0.2.2:{}", server.port);
    let mut ntp = Running::start("ntp", &["--net", &gateway.wire(), IP, &word]);
    let said = ntp.line("the clock was off");
    assert!(said.contains(TimeServer::PRINTED), "{said}");
}

#[test]
fn mdns_as_a_process_answers_to_its_name() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let wire = Wire::new(&path("here"), &path("there")).expect("the link is made");
    let net = format!(
        "unix={},{}",
        path("there").display(),
        path("here").display()
    );
    let mut mdns = Running::start("mdns", &["--net", &net, "ip=10.0.2.15/24"]);
    multicast_dns::wait_for_a_member(&wire).expect("it joins the group");
    mdns.line("ready: vmos.local");
    multicast_dns::ask(&wire).expect("its answers");
}

#[test]
fn tls_as_a_process_trusts_only_the_server_that_it_asks_for() {
    let folder = folder();
    let server = TlsServer::start(folder.path()).expect("the server");
    let disk = disk(folder.path(), 1 << 20);
    let written = server.write_authority(disk.as_ref());
    written.expect("the disk has room for a certificate");
    for (name, line, status) in [
        (TlsServer::NAME, "TLS_AES_128_GCM_SHA256", 0),
        ("other.example", "InvalidCertificate", 1),
    ] {
        let gateway = way_out();
        let word = format!("tls=10.0.2.2:{},{name}", server.port);
        let tls = ["--net", &gateway.wire(), "--disk", &disk, IP, &word];
        let (ended, said) = run("tls", &tls);
        assert!(said.contains(line), "{said}");
        assert_eq!(ended, Some(status), "{said}");
    }
}
