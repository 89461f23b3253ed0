//! The master keys that a node holds: one, and beside it the one that a rotation moves to.
//!
//! Nodes cannot all be given a new key at the moment at which the database is sealed with it. So each is given the next key
//! beforehand, opens what either of them sealed, and seals with the one that the installation is sealed with.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::seal::{MasterKey, OpenError, Sealed, SealedRow};

/// Never empty.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    present: Arc<MasterKey>,
    other: Option<Arc<MasterKey>>,
}

impl MasterKeys {
    /// `present` fits the installation; `other` may do so after a rotation.
    pub fn new(present: MasterKey, other: Option<MasterKey>) -> Self {
        Self {
            present: Arc::new(present),
            other: other.map(Arc::new),
        }
    }

    /// The one that fitted the installation when the process started.
    pub fn present(&self) -> &MasterKey {
        &self.present
    }

    /// The one that sealed a value.
    pub fn that_sealed(&self, sealed: &Sealed) -> Result<&Arc<MasterKey>, OpenError> {
        let key_id = sealed.key_id().ok_or(OpenError::Altered)?;
        let held = [Some(&self.present), self.other.as_ref()];
        let fitting = held.into_iter().flatten().find(|key| key.id() == key_id);
        fitting.ok_or_else(|| OpenError::OtherKey {
            sealed_with: key_id.to_owned(),
            held: self.present.id().to_owned(),
        })
    }

    /// Opens what one of them sealed for this row.
    pub fn open(&self, row: SealedRow<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.that_sealed(sealed)?.open(row, sealed)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const ROW: SealedRow<'static> = SealedRow {
        table: "installation",
        id: "check",
        version: 0,
    };

    fn keys() -> [MasterKey; 3] {
        let mut chance = StdRng::seed_from_u64(1);
        [(); 3].map(|()| MasterKey::generate(&mut chance))
    }

    #[test]
    fn each_opens_what_it_sealed() {
        let [present, next, stranger] = keys();
        let mut chance = StdRng::seed_from_u64(2);
        let mut seal = |key: &MasterKey| key.seal(ROW, key.id().as_bytes(), &mut chance);
        let sealed = [&present, &next, &stranger].map(&mut seal);
        let ids = [present.id().to_owned(), next.id().to_owned()];
        let keys = MasterKeys::new(present, Some(next));
        for (sealed, id) in sealed.iter().zip(&ids) {
            assert_eq!(keys.open(ROW, sealed).unwrap().as_slice(), id.as_bytes());
            assert_eq!(keys.that_sealed(sealed).unwrap().id(), id);
        }
        let refused = OpenError::OtherKey {
            sealed_with: stranger.id().to_owned(),
            held: ids[0].clone(),
        };
        assert_eq!(keys.open(ROW, &sealed[2]), Err(refused));
        let broken = Sealed::from_stored("v1".to_owned());
        assert_eq!(keys.open(ROW, &broken), Err(OpenError::Altered));
    }
}
