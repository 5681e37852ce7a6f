//! `ekv`: the trait of the key-value store of that name, on flash memory.

use ekv::config::{ALIGN, ERASE_VALUE, PAGE_SIZE};
use ekv::flash::PageID;

use super::{FLASH_PAGE, FLASH_WORD, Flash, FlashError, Memory, Sectors};

/// An ekv page consists of whole pages of the flash memory.
const _: () = assert!(
    PAGE_SIZE.is_multiple_of(FLASH_PAGE) && ALIGN.is_multiple_of(FLASH_WORD) && ERASE_VALUE == 0xff,
    "vmos::block::Flash needs ekv's defaults: a page size of 4096 or a multiple (EKV_PAGE_SIZE), \
     the feature align-4, and the feature erase-value-255"
);

/// Returns the offset of a byte of a page.
fn place(page: PageID, offset: usize) -> Result<u32, FlashError> {
    let place = page.index().checked_mul(PAGE_SIZE);
    let place = place.and_then(|place| place.checked_add(offset));
    let place = place.and_then(|place| u32::try_from(place).ok());
    place.ok_or(FlashError::OutOfRange)
}

impl<D: Sectors> ekv::flash::Flash for Memory<D> {
    type Error = FlashError;

    fn page_count(&self) -> usize {
        (self.capacity() / PAGE_SIZE).min(ekv::config::MAX_PAGE_COUNT)
    }

    async fn erase(&mut self, page: PageID) -> Result<(), FlashError> {
        let from = place(page, 0)?;
        Self::erase(self, from, place(page, PAGE_SIZE)?.max(from)).await
    }

    async fn read(
        &mut self,
        page: PageID,
        offset: usize,
        bytes: &mut [u8],
    ) -> Result<(), FlashError> {
        Self::read(self, place(page, offset)?, bytes).await
    }

    async fn write(&mut self, page: PageID, offset: usize, bytes: &[u8]) -> Result<(), FlashError> {
        Self::write(self, place(page, offset)?, bytes).await
    }
}

/// Needs the feature `ekv`. Its pages must be erased once before `Database::mount`, which
/// `Database::format` does.
impl ekv::flash::Flash for Flash {
    type Error = FlashError;

    fn page_count(&self) -> usize {
        ekv::flash::Flash::page_count(&self.memory)
    }

    async fn erase(&mut self, page: PageID) -> Result<(), FlashError> {
        ekv::flash::Flash::erase(&mut self.memory, page).await
    }

    async fn read(
        &mut self,
        page: PageID,
        offset: usize,
        bytes: &mut [u8],
    ) -> Result<(), FlashError> {
        ekv::flash::Flash::read(&mut self.memory, page, offset, bytes).await
    }

    async fn write(&mut self, page: PageID, offset: usize, bytes: &[u8]) -> Result<(), FlashError> {
        ekv::flash::Flash::write(&mut self.memory, page, offset, bytes).await
    }
}
