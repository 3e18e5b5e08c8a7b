//! The images that a rollback restores. A tag may point to another image today.

use super::{Check, Level, Look, Way, check};
use crate::domain::ecs::deployment::RevisionImage;

impl Look<'_> {
    pub(super) fn images(&self) -> Vec<Check> {
        let Some(target) = self.target else { return Vec::new() };
        let tag = target.tag();
        let images = self.known_images();
        let (pinned, tagged): (Vec<_>, Vec<_>) = images.iter().partition(|image| image.image.contains("@sha256:"));
        let moved: Vec<Check> = tagged.iter().filter_map(|image| self.moved(image)).collect();
        if !moved.is_empty() {
            return moved;
        }
        let others = match tagged.len() {
            0 | 1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        let one = match (tagged.first(), pinned.first(), self.way) {
            (None, None, _) => return Vec::new(),
            (None, Some(image), _) => check(Level::Good, format!("{tag} names its image by digest, {}", named(image))),
            (Some(image), _, Way::Undo(_)) if tagged.iter().all(|image| image.digest.is_some()) => {
                check(Level::Good, format!("{tag} ran {}{others}, and ECS brings that back", named(image)))
            }
            (Some(image), _, Way::Undo(_)) => {
                check(Level::Unknown, format!("which image {} of {tag} was{others} is not known", name(&image.image)))
            }
            (Some(image), ..) => {
                let name = name(&image.image);
                let what = match &image.digest {
                    Some(digest) => format!("{tag} ran {}{others}; the tag {name} is resolved again", short(digest)),
                    None => format!("which image {tag} ran{others} is not known; the tag {name} is resolved again"),
                };
                check(Level::Unknown, what)
            }
        };
        vec![one]
    }

    /// The target's images, with the digests that ran, if known: from the newest service revision of the target,
    /// otherwise from the task definition and the running tasks.
    fn known_images(&self) -> Vec<RevisionImage> {
        let Some(target) = self.target else { return Vec::new() };
        let revisions = self.revisions_of(target);
        if let Some(newest) = revisions.iter().find(|revision| !revision.images.is_empty()) {
            let of_all = || revisions.iter().flat_map(|revision| &revision.images);
            let known = |image: &RevisionImage| {
                let digest = || of_all().filter(|it| it.container == image.container).find_map(|it| it.digest.clone());
                RevisionImage { digest: image.digest.clone().or_else(digest), ..image.clone() }
            };
            return newest.images.iter().map(known).collect();
        }
        let definition = self.snapshot.task_definition(target);
        let images = definition.map_or(&[][..], |definition| definition.images.as_slice());
        let mut running = self.running_digests();
        running.dedup();
        // A task does not report which digest belongs to which container.
        let digest = match (images, running.as_slice()) {
            ([_], [[digest]]) => Some(digest.clone()),
            _ => None,
        };
        let image = |(container, image): &(String, String)| RevisionImage {
            container: container.clone(),
            image: image.clone(),
            digest: digest.clone(),
        };
        images.iter().map(image).collect()
    }

    /// The digests of the target's running tasks, task by task, where ECS reports them.
    fn running_digests(&self) -> Vec<&[String]> {
        let tasks = self.snapshot.tasks.get(&self.service.key).and_then(|reading| reading.get());
        let of_target = tasks.into_iter().flatten().filter(|task| Some(&task.task_definition) == self.target);
        let running = of_target.filter(|task| task.status == "RUNNING" && !task.image_digests.is_empty());
        running.map(|task| task.image_digests.as_slice()).collect()
    }

    /// A warning if a tag pointed to two images: in two deployments of the revision, or in a deployment and its tasks.
    fn moved(&self, image: &RevisionImage) -> Option<Check> {
        let target = self.target?;
        let (tag, name) = (target.tag(), name(&image.image));
        let digest = image.digest.as_ref()?;
        let revisions = self.revisions_of(target);
        let of_all = revisions.iter().flat_map(|revision| &revision.images);
        let mut of_container = of_all.filter(|other| other.container == image.container);
        if let Some(other) = of_container.find_map(|other| other.digest.as_ref().filter(|other| *other != digest)) {
            let (before, now) = (short(other), short(digest));
            let what = format!("the tag {name} has moved: {tag} was deployed with {before} and later with {now}");
            return Some(check(Level::Warn, what));
        }
        // Sidecars that AWS adds have digests too, so only the presence of this digest counts.
        let containers = revisions.iter().map(|revision| revision.images.len()).max().unwrap_or(1);
        let differs = |task: &&[String]| task.len() >= containers && !task.contains(digest);
        let running = self.running_digests();
        let other = running.iter().copied().find(differs)?;
        let what = match other {
            [other] => format!("tasks of {tag} run {}, and its deployment had {}", short(other), short(digest)),
            _ => format!("tasks of {tag} do not run {}, which its deployment had", short(digest)),
        };
        Some(check(Level::Warn, format!("the tag {name} has moved: {what}")))
    }
}

/// An image name without registry and digest: `checkout:1.9.0`.
fn name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit('/').next().unwrap_or(image)
}

fn named(image: &RevisionImage) -> String {
    let in_name = image.image.split_once('@').map(|(_, digest)| digest);
    image.digest.as_deref().or(in_name).map(short).unwrap_or_default()
}

/// The part of a digest that people compare: `sha256:1234abcd…`.
fn short(digest: &str) -> String {
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("sha256", digest));
    format!("{algorithm}:{}…", hex.chars().take(8).collect::<String>())
}
