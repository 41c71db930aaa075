//! The checksum of TensorFlow's records.

/// Castagnoli's polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// What a masked checksum is moved by.
const MASK_DELTA: u32 = 0xa282_ead8;

/// CRC-32C of `bytes`, masked so that a checksum of data that holds checksums stays one.
///
/// # Source
/// TFRecords format details, <https://www.tensorflow.org/tutorials/load_data/tfrecord>; the checksum itself is that of RFC 3720, B.4,
/// <https://www.rfc-editor.org/rfc/rfc3720>
pub(super) fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(MASK_DELTA)
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
    }
}
