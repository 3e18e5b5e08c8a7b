//! The digests that image names resolve to. A push to an existing tag changes its digest.

use indexmap::IndexMap;

use crate::sim::world::clock::Ms;

/// The digests of each image with the instant from which they apply, oldest first.
#[derive(Debug, Default)]
pub(crate) struct ImageRegistry {
    images: IndexMap<String, Vec<(Ms, String)>>,
}

impl ImageRegistry {
    pub(crate) fn contains(&self, image: &str) -> bool {
        image.contains('@') || self.images.contains_key(image)
    }

    /// Gives an image a new digest from `at` on. The first push of an image also applies to all earlier times.
    pub(crate) fn push(&mut self, image: &str, at: Ms, digest: String) {
        let pushes = self.images.entry(image.to_owned()).or_default();
        let at = if pushes.is_empty() { Ms::MIN } else { at };
        let later = pushes.partition_point(|(since, _)| *since <= at);
        pushes.insert(later, (at, digest));
    }

    /// The digest of an image at an instant. An image that is named by its digest always has that digest.
    pub(crate) fn digest(&self, image: &str, at: Ms) -> String {
        if let Some((_, digest)) = image.split_once('@') {
            return digest.to_owned();
        }
        let pushes = self.images.get(image).map(Vec::as_slice).unwrap_or_default();
        pushes.iter().rev().find(|(since, _)| *since <= at).map(|(_, digest)| digest.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_changes_the_digest_only_from_its_time_on() {
        let mut registry = ImageRegistry::default();
        registry.push("shop/a:1", 500, "sha256:one".into());
        registry.push("shop/a:1", 2000, "sha256:three".into());
        registry.push("shop/a:1", 1000, "sha256:two".into());
        let at = |at| registry.digest("shop/a:1", at);
        assert_eq!([at(0), at(999), at(1000), at(2000)], ["sha256:one", "sha256:one", "sha256:two", "sha256:three"]);
        assert_eq!(registry.digest("shop/a@sha256:abc", 0), "sha256:abc");
    }
}
