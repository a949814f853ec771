//! Numbers for keys, as they come.

use rustc_hash::FxHashMap;
use std::hash::Hash;

/// Slots of the cache in front of the table: nearly all keys of a walk are a few hundred, and 4 KB stay in the core's cache.
const CACHE_SLOTS: usize = 1024;

/// Keys, each with its position: the first has 0.
#[derive(Debug)]
pub(crate) struct KeyTable<K> {
    keys: Vec<K>,
    position_of: FxHashMap<K, u32>,
    /// Per slot, the position of the key that was last looked up. The key there is compared, so any position will do.
    recent: [u32; CACHE_SLOTS],
}

impl<K> Default for KeyTable<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), position_of: FxHashMap::default(), recent: [0; CACHE_SLOTS] }
    }
}

impl<K: Copy + Eq + Hash> KeyTable<K> {
    /// The position of a key, which is added if it is new. `hash` is any number that differs for most keys.
    #[inline]
    pub(crate) fn position(&mut self, key: K, hash: u32) -> usize {
        let slot = hash as usize % CACHE_SLOTS;
        let position = self.recent[slot] as usize;
        if self.keys.get(position) == Some(&key) {
            return position;
        }
        let position = self.find(key);
        self.recent[slot] = position as u32;
        position
    }

    #[cold]
    fn find(&mut self, key: K) -> usize {
        let next = self.keys.len() as u32;
        let position = *self.position_of.entry(key).or_insert(next);
        if position == next {
            self.keys.push(key);
        }
        position as usize
    }

    /// All keys, by position; the table is not needed any more.
    pub(crate) fn into_keys(self) -> Vec<K> {
        self.keys
    }

    /// All keys, by position.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }
}
