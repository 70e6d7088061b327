//! Argon2id (RFC 9106), in memory that the host gets back.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use fob_api::emergency::{HASH, Recipe};

use super::Denial;

/// Bytes that are reserved, of which a recipe uses the first ones. glibc keeps what a process has
/// freed up to the largest size that it ever mapped, at most 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`,
/// `mallopt(3)`): what is larger is always mapped, and goes back to the kernel when it is freed.
/// Pages that are not touched cost nothing.
const ROOM: usize = 33 * 1024 * 1024;

/// Hashes a secret.
///
/// # Errors
///
/// [`Denial::Memory`] if there is not enough.
pub(super) fn of(recipe: &Recipe, secret: &[u8]) -> Result<[u8; HASH], Denial> {
    let params = Params::new(recipe.memory, recipe.passes, 1, Some(HASH));
    let params = params.map_err(|_| Denial::Memory)?;
    let mut blocks: Vec<Block> = Vec::new();
    blocks.try_reserve_exact(ROOM / Block::SIZE).map_err(|_| Denial::Memory)?;
    blocks.resize(params.block_count(), Block::default());
    let mut hash = [0; HASH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(secret, &recipe.salt, &mut hash, &mut blocks)
        .map_err(|_| Denial::Memory)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use fob_api::emergency::Recipe;

    use super::of;

    /// By the reference implementation: `printf aaaaaaaaaaaaaaaaalice | argon2 ... -id -t 5 -k 7168
    /// -p 1 -l 32 -r`, with a salt of sixteen bytes `s`.
    #[test]
    fn the_hash_is_that_of_the_reference_implementation() {
        let hash = of(&Recipe::of_salt(*b"ssssssssssssssss"), b"aaaaaaaaaaaaaaaaalice").unwrap();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "76baa1d89f42cce42ce19687d07b09e7b259bc08e7ecf3e54d32acce872566ee");
    }
}
