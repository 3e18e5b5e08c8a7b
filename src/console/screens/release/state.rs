//! How a release is shown: which panel, which plot, over which time.

use crate::domain::metrics::Percentile;

/// The panels of a release that share a place where a screen is small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Panel {
    /// Errors and latency.
    #[default]
    Metrics,
    /// What is around them and never judged: the load balancer, CPU and memory.
    Around,
    /// Tasks by state.
    Tasks,
    /// The service's events.
    Events,
    /// The last operation, step by step.
    Operation,
    /// Each source and its age.
    Sources,
    /// What is known of the way back before it is taken.
    Preflight,
}

/// What a plot shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Plotted {
    /// Errors over requests.
    #[default]
    Errors,
    /// The chosen percentile of the response time.
    Latency,
    /// Requests a minute.
    Requests,
    /// What no target answered, and hosts that are not well.
    Balancer,
    /// CPU and memory.
    Resources,
}

/// The minutes that plots can reach back.
pub const RANGES: [u16; 9] = [10, 15, 20, 30, 45, 60, 90, 120, 180];

/// The screen's own state.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReleaseScreen {
    /// The panel in front on a small screen.
    pub panel: Panel,
    /// The latency percentile that is drawn.
    pub percentile: Percentile,
    /// Minutes that the plots reach back; `None`: as many as there are columns.
    pub range: Option<u16>,
    /// The one plot that fills the screen.
    pub zoom: Option<Plotted>,
}

impl ReleaseScreen {
    /// Minutes that a plot of so many columns reaches back: the chosen range, else one minute a column.
    pub fn reach_of(&self, columns: u16) -> u16 {
        let fitting = RANGES.into_iter().rfind(|range| *range <= columns);
        self.range.or(fitting).unwrap_or(RANGES[0])
    }

    /// Changes the range to the nearest one that is longer, or shorter, on a terminal of so many columns.
    pub(crate) fn change_range(&mut self, longer: bool, columns: u16) {
        // Two plots lie side by side, each with its scale, unless one of them has the screen.
        let columns = if self.zoom.is_some() { columns } else { columns / 2 };
        let now = self.reach_of(columns.saturating_sub(8));
        let fits = RANGES.into_iter().filter(|range| if longer { *range > now } else { *range < now });
        self.range = fits.min_by_key(|range| range.abs_diff(now)).or(self.range);
    }
}
