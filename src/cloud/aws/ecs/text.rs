//! Text members of ECS's shapes.

/// The text, unless it is absent, or empty as some endpoints send it for absent.
pub(super) fn non_empty(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
