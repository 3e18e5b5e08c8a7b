//! Shared values, written as if they were not shared. For `#[serde(with = …)]`: serde has them behind a feature that
//! every crate here would be built again for.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `Arc<str>`.
pub(crate) mod text {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

/// `Option<Arc<T>>`.
pub(crate) mod option {
    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Arc<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<Arc<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Option::<T>::deserialize(deserializer).map(|value| value.map(Arc::new))
    }
}

/// `Vec<Arc<T>>`.
pub(crate) mod list {
    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(values: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Arc::as_ref))
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<Arc<T>>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<T>::deserialize(deserializer).map(|values| values.into_iter().map(Arc::new).collect())
    }
}
