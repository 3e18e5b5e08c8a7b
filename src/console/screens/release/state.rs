//! State of the release screen: the panel, the plot, the range of time.

use crate::domain::metrics::Percentile;

/// The panels of a release, of which a small screen shows one at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Panel {
    /// Errors and latency.
    #[default]
    Metrics,
    /// The verdict with all of its reasons.
    Verdict,
    /// Infrastructure around the release, never judged: the load balancer, CPU and memory.
    Around,
    /// Tasks by state.
    Tasks,
    /// The service's events.
    Events,
    /// The steps of the last operation.
    Operation,
    /// Each source and its age.
    Sources,
    /// Readiness of a rollback.
    Preflight,
}

/// The content of a plot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumIter, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Plotted {
    /// Errors over requests.
    #[default]
    Errors,
    /// The canary's error rate over stable's, with its interval.
    Ratio,
    /// The chosen percentile of the response time.
    Latency,
    /// Requests a minute.
    Requests,
    /// Errors of the load balancer itself, connection errors, unhealthy hosts.
    Balancer,
    /// CPU and memory.
    #[strum(to_string = "cpu")]
    Resources,
}

/// Ranges of a plot, in minutes.
pub const RANGES: [u16; 9] = [10, 15, 20, 30, 45, 60, 90, 120, 180];

/// The state of the release screen.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReleaseScreen {
    /// The panel in front on a small screen.
    pub panel: Panel,
    /// The latency percentile to draw.
    pub percentile: Percentile,
    /// Range of the plots in minutes; `None`: the largest range with a column for each minute.
    pub range: Option<u16>,
    /// The one plot that fills the screen.
    pub zoom: Option<Plotted>,
}

impl ReleaseScreen {
    /// Range in minutes of a plot with this number of columns: the chosen range, else the largest one with a column for
    /// each minute.
    pub fn reach_of(&self, columns: u16) -> u16 {
        let fitting = RANGES.into_iter().rfind(|range| *range <= columns);
        self.range.or(fitting).unwrap_or(RANGES[0])
    }

    /// Changes the range to the next longer or shorter one, on a terminal with this number of columns.
    pub(crate) fn change_range(&mut self, longer: bool, columns: u16) {
        // Two plots share the width, each with its scale, unless one plot fills the screen.
        let columns = if self.zoom.is_some() { columns } else { columns / 2 };
        let now = self.reach_of(columns.saturating_sub(8));
        let fits = RANGES.into_iter().filter(|range| if longer { *range > now } else { *range < now });
        self.range = fits.min_by_key(|range| range.abs_diff(now)).or(self.range);
    }
}
