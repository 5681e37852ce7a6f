//! Stores values by name on its disk and serves them over TCP, one line at a time: `set NAME
//! VALUE`, `get NAME`, `delete NAME`. A change that was answered with `ok` survives a crash at any
//! moment.

#![cfg_attr(target_os = "none", no_std, no_main)]

use embedded_io_async::{Read, Write};
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};
use vmos::block::{FLASH_PAGE, Flash};
use vmos::net::TcpStream;
use vmos::{Error, Kernel, Result, Spawner, println};

/// The port of the service.
const PORT: u16 = 7;
/// The sectors of the store on the disk: the log of the flash memory and sixteen pages. Fill at
/// most two thirds of them.
const SECTORS: core::ops::Range<u64> = 2048..2048 + 16 + 16 * (FLASH_PAGE as u64 / 512);
/// The largest name and the longest line, in bytes.
const NAME: usize = 16;
const LINE: usize = 128;

/// A name, padded with zeroes.
type Name = [u8; NAME];
type Store = MapStorage<Name, Flash, Cache<Uncached, Uncached, Uncached, Name>>;

#[vmos::main]
async fn main(kernel: Kernel, _spawner: Spawner) -> Result<()> {
    let flash = Flash::open(kernel.disk(0)?, SECTORS).await?;
    let end = (SECTORS.end - SECTORS.start) as u32 * 512 - 2 * FLASH_PAGE as u32;
    let mut store = Store::new(flash, MapConfig::new(0..end), Cache::new_uncached());
    let net = kernel.net()?;
    let listener = net.tcp_listen(PORT)?;
    let starts = count_start(&mut store).await?;
    let address = net.configured().await.address.address();
    println!("ready: start {starts}; values on {address} port {PORT}");
    loop {
        // A broken connection needs no report: the peer ended it.
        if let Ok(stream) = listener.accept().await {
            let _ = serve(stream, &mut store).await;
        }
    }
}

/// The number of times the store was opened.
async fn count_start(store: &mut Store) -> Result<u32> {
    let name = name(b"starts").unwrap_or_default();
    let mut buffer = [0; LINE];
    let before = store.fetch_item::<u32>(&mut buffer, &name).await;
    let count = before.map_err(failed)?.unwrap_or(0) + 1;
    let stored = store.store_item(&mut buffer, &name, &count).await;
    stored.map_err(failed)?;
    Ok(count)
}

/// Answers the lines of a connection until it closes.
async fn serve(mut stream: TcpStream, store: &mut Store) -> Result<()> {
    let mut line = [0; LINE];
    let mut length = 0;
    loop {
        let read = stream.read(&mut line[length..]).await?;
        if read == 0 {
            return Ok(());
        }
        length += read;
        while let Some(end) = line[..length].iter().position(|byte| *byte == b'\n') {
            answer(&mut stream, store, line[..end].trim_ascii()).await?;
            line.copy_within(end + 1..length, 0);
            length -= end + 1;
        }
        if length == LINE {
            stream.write_all(b"error: the line is too long\n").await?;
            return Ok(());
        }
    }
}

/// Executes a command line and returns the reply.
async fn answer(stream: &mut TcpStream, store: &mut Store, line: &[u8]) -> Result<()> {
    let mut buffer = [0; LINE + NAME];
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let command = words.next().unwrap_or_default();
    let Some(name) = words.next().and_then(name) else {
        let help = b"error: set NAME VALUE, get NAME or delete NAME; a name has at most 16 bytes\n";
        return Ok(stream.write_all(help).await?);
    };
    let done = match (command, words.next()) {
        (b"set", Some(value)) => store.store_item(&mut buffer, &name, &value).await,
        (b"delete", None) => store.remove_item(&mut buffer, &name).await,
        (b"get", None) => match store.fetch_item::<&[u8]>(&mut buffer, &name).await {
            Ok(Some(value)) => {
                stream.write_all(value).await?;
                return Ok(stream.write_all(b"\n").await?);
            }
            Ok(None) => return Ok(stream.write_all(b"none\n").await?),
            Err(error) => Err(error),
        },
        _ => {
            return Ok(stream
                .write_all(b"error: unknown command; use set, get or delete\n")
                .await?);
        }
    };
    match done {
        Ok(()) => stream.write_all(b"ok\n").await?,
        Err(error) => {
            println!("{}", failed(error));
            stream
                .write_all(b"error: the store cannot be read or written\n")
                .await?;
        }
    }
    Ok(())
}

/// Returns a word as a name; `None` if it is empty or too long.
fn name(word: &[u8]) -> Option<Name> {
    let mut name = Name::default();
    name.get_mut(..word.len())?.copy_from_slice(word);
    (!word.is_empty()).then_some(name)
}

/// Describes an error of the store.
fn failed<E: core::fmt::Debug>(error: sequential_storage::Error<E>) -> Error {
    let text = match error {
        sequential_storage::Error::Storage { .. } => "the disk reports an error",
        sequential_storage::Error::FullStorage => "the store is full",
        sequential_storage::Error::Corrupted { .. } => "the store is damaged",
        _ => "the store rejects the value",
    };
    Error::new(text)
}
