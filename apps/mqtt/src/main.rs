//! Announces itself over MQTT on the topic `vmos/state`, and answers on `vmos/reply` with what
//! arrives on `vmos/ask`. `--append "mqtt=10.0.2.2:1883"` selects another broker.

#![cfg_attr(target_os = "none", no_std, no_main)]

use core::fmt::Debug;
use core::net::SocketAddrV4;

use rust_mqtt::Bytes;
use rust_mqtt::buffer::AllocBuffer;
use rust_mqtt::client::Client;
use rust_mqtt::client::event::Event;
use rust_mqtt::client::options::{
    ConnectOptions, PublicationOptions, SubscriptionOptions, TopicReference,
};
use rust_mqtt::types::{MqttString, TopicFilter, TopicName};
use vmos::net::{Net, TcpStream};
use vmos::time::{Duration, Timer};
use vmos::{Error, Kernel, Result, Spawner, println};

/// The broker if the command line does not name one: the host, for a machine in QEMU.
const BROKER: &str = "10.0.2.2:1883";
/// The delay before connecting again.
const REST: Duration = Duration::from_secs(1);
/// The time without traffic after which the client sends the broker a ping.
const SILENCE: Duration = Duration::from_secs(30);

type Mqtt<'c> = Client<'c, 'c, TcpStream, AllocBuffer, 1, 1, 1, 1, 16, 0, 1>;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let net = kernel.net()?;
    let broker = kernel.command_line().value("mqtt").unwrap_or(BROKER);
    net.configured().await;
    loop {
        if let Err(error) = talk(net, broker).await {
            println!("{broker}: {error}");
        }
        Timer::after(REST).await;
    }
}

/// Publishes and answers messages until the connection to the broker ends.
async fn talk(net: Net, broker: &str) -> Result<()> {
    let (name, port) = broker
        .rsplit_once(':')
        .ok_or_else(|| Error::new("the broker must have the form NAME:PORT"))?;
    let address = SocketAddrV4::new(net.resolve(name).await?, port.parse()?);
    let stream = net.tcp_connect(address).await?;
    stream.set_keep_alive(Some(SILENCE.into()));
    stream.set_no_delay(true);
    let mut buffer = AllocBuffer;
    let mut client = Mqtt::new(&mut buffer);
    let options = ConnectOptions::new().clean_start();
    let id = Some(MqttString::from_str("vmos").map_err(said)?);
    client.connect(stream, &options, id).await.map_err(said)?;

    let ask = TopicFilter::new(MqttString::from_str("vmos/ask").map_err(said)?);
    let ask = ask.ok_or_else(|| Error::new("the topic name is invalid"))?;
    let subscription = SubscriptionOptions::new();
    client.subscribe(ask, &subscription).await.map_err(said)?;
    loop {
        match client.poll().await.map_err(said)? {
            Event::Suback(_) => {
                publish(&mut client, "vmos/state", b"here").await?;
                println!("ready: announced to the broker {broker}");
            }
            Event::Publish(message) => {
                let text = message.message.as_ref().to_vec();
                publish(&mut client, "vmos/reply", &text).await?;
            }
            _ => {}
        }
    }
}

async fn publish(client: &mut Mqtt<'_>, topic: &str, text: &[u8]) -> Result<()> {
    let name = TopicName::new(MqttString::from_str(topic).map_err(said)?);
    let name = name.ok_or_else(|| Error::new("the topic name is invalid"))?;
    let options = PublicationOptions::new(TopicReference::Name(name));
    let sent = client.publish(&options, Bytes::from(text)).await;
    sent.map_err(said)?;
    Ok(())
}

/// Converts an error of rust-mqtt, which only has debug text.
fn said(error: impl Debug) -> Error {
    Error::new(alloc::format!("{error:?}"))
}

extern crate alloc;
