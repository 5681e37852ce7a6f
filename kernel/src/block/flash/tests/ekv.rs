//! Tests of ekv on flash memory.

use ekv::{Config, Database};
use embassy_sync_06::blocking_mutex::raw::NoopRawMutex;

use super::{Fragile, now};
use crate::block::flash::Memory;

/// 30 pages, two of them for the log: ekv needs 12 pages to change one key.
const SECTORS: u64 = 8 * 30;

type Store = Database<Memory<Fragile>, NoopRawMutex>;

fn open(disk: Fragile) -> Store {
    let memory = now(Memory::open(disk, 0..SECTORS, 512)).expect("the range is suitable");
    Store::new(memory, Config::default())
}

fn write(store: &Store, key: &[u8], value: &[u8]) {
    now(async {
        let mut transaction = store.write_transaction().await;
        transaction.write(key, value).await.expect("there is room");
        transaction.commit().await.expect("there is room");
    });
}

fn read(store: &Store, key: &[u8]) -> Option<std::vec::Vec<u8>> {
    now(async {
        let transaction = store.read_transaction().await;
        let mut buffer = [0; 64];
        let count = transaction.read(key, &mut buffer).await.ok()?;
        Some(buffer[..count].to_vec())
    })
}

#[test]
fn values_of_ekv_survive_a_restart() {
    let disk = Fragile::new(SECTORS as usize);
    let store = open(disk.clone());
    now(store.format()).expect("the disk works");
    let rounds = if cfg!(miri) { 4 } else { 40 };
    for round in 0..rounds {
        write(&store, b"counter", &[round]);
    }
    write(&store, b"name", b"vmos");
    let store = open(disk.again());
    now(store.mount()).expect("it was formatted");
    assert_eq!(read(&store, b"counter"), Some(std::vec![rounds - 1]));
    assert_eq!(read(&store, b"name"), Some(b"vmos".to_vec()));
    assert_eq!(read(&store, b"other"), None);
}

#[test]
fn a_new_disk_has_no_store() {
    let store = open(Fragile::new(SECTORS as usize));
    assert!(now(store.mount()).is_err());
}

#[test]
fn after_an_interrupted_change_the_old_or_the_new_value_is_read() {
    let disk = Fragile::new(SECTORS as usize);
    let store = open(disk.clone());
    now(store.format()).expect("the disk works");
    write(&store, b"key", b"old");
    let before = disk.bytes.borrow().clone();
    let mut values = std::collections::BTreeSet::new();
    for sectors in (1..40).step_by(if cfg!(miri) { 17 } else { 4 }) {
        let disk = Fragile {
            torn: 100,
            ..disk.clone()
        };
        disk.bytes.borrow_mut().clone_from(&before);
        let store = open(disk.again());
        now(store.mount()).expect("it was formatted");
        disk.left.set(Some(sectors));
        // It fails unless it needs fewer writes.
        let _ = now(async {
            let mut transaction = store.write_transaction().await;
            transaction.write(b"key", b"new").await?;
            transaction
                .commit()
                .await
                .map_err(|_| ekv::WriteError::Corrupted)
        });
        let store = open(disk.again());
        now(store.mount()).expect("an interrupted change destroys nothing");
        values.insert(read(&store, b"key"));
    }
    let expected = [&b"new"[..], b"old"].map(|value| Some(value.to_vec()));
    assert_eq!(values, expected.into());
}
