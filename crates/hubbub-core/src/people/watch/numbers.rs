//! Short numbers for long names: given out again once they are free.

use std::{collections::HashMap, hash::Hash};

/// Values by name and by number.
#[derive(Debug)]
pub(super) struct Numbers<K, V> {
    by_key: HashMap<K, u32>,
    /// `None`: free.
    values: Vec<Option<(K, V)>>,
    free: Vec<u32>,
}

impl<K, V> Default for Numbers<K, V> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), values: Vec::new(), free: Vec::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Numbers<K, V> {
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The number of a name, if it has one.
    pub fn no(&self, key: &K) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The number of a name, which it is given if it has none.
    pub fn insert(&mut self, key: &K, value: impl FnOnce() -> V) -> u32 {
        if let Some(no) = self.no(key) {
            return no;
        }
        let entry = Some((key.clone(), value()));
        let no = match self.free.pop() {
            Some(no) => no,
            None => {
                self.values.push(None);
                (self.values.len() - 1) as u32
            }
        };
        self.values[no as usize] = entry;
        self.by_key.insert(key.clone(), no);
        no
    }

    pub fn remove(&mut self, key: &K) -> Option<(u32, V)> {
        let no = self.no(key)?;
        self.remove_at(no).map(|value| (no, value))
    }

    pub fn remove_at(&mut self, no: u32) -> Option<V> {
        let (key, value) = self.values.get_mut(no as usize)?.take()?;
        self.by_key.remove(&key);
        self.free.push(no);
        Some(value)
    }

    pub fn key(&self, no: u32) -> Option<&K> {
        self.values.get(no as usize)?.as_ref().map(|(key, _)| key)
    }

    pub fn at(&self, no: u32) -> Option<&V> {
        self.values.get(no as usize)?.as_ref().map(|(_, value)| value)
    }

    pub fn at_mut(&mut self, no: u32) -> Option<&mut V> {
        self.values.get_mut(no as usize)?.as_mut().map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.no(key).and_then(|no| self.at_mut(no))
    }

    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.by_key.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter().flatten().map(|(_, value)| value)
    }
}
