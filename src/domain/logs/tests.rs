use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::buffer::{LogBuffer, LogSide, Shown};
use super::counters::{LineCounters, whole};
use super::ring_buffer::{Bounds, RingBuffer};
use super::tail::Tail;
use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
}

fn line(millis: i64, task: u64, id: u64, text: &str) -> LogLine {
    let stream: Arc<str> = format!("ecs/app/{task:08x}").into();
    LogLine { at: at(millis), stream, id, text: text.into(), cut: 0, error: is_error(text) }
}

fn source(group: &str) -> LogSource {
    LogSource { group: group.into(), region: None, prefix: "ecs/app/".into() }
}

fn page(lines: Vec<LogLine>, next: Option<&str>) -> LogPage {
    LogPage { lines, next: next.map(str::to_owned) }
}

const SMALL: Bounds = Bounds { bytes: 1 << 20, lines: 5 };
const LARGE: Bounds = Bounds { bytes: 1 << 24, lines: 100_000 };

fn texts<'a>(lines: impl Iterator<Item = &'a RingBuffer>) -> Vec<&'a str> {
    lines.map(|line| &*line.text).collect()
}

#[test]
fn a_tail_goes_on_behind_what_it_read_and_tells_repeats() {
    let mut tail = Tail::begin(at(0));
    let query = tail.next(&source("shop"));
    assert_eq!((query.from, query.token.as_deref()), (at(0), None));
    assert_eq!((tail.more(), tail.reach()), (true, None));
    let first = tail.take(at(60_000), page(vec![line(1_000, 1, 1, "a"), line(30_000, 1, 2, "b")], Some("t")));
    assert_eq!((first.len(), tail.reach(), tail.more()), (2, Some(at(30_000)), true));
    assert_eq!(tail.next(&source("shop")).token.as_deref(), Some("t"));
    // An empty page with a further page behind.
    assert_eq!(tail.take(at(60_500), page(Vec::new(), Some("u"))).len(), 0);
    assert!(tail.more());
    assert_eq!(tail.take(at(61_000), page(vec![line(55_000, 1, 3, "c")], None)).len(), 1);
    assert_eq!((tail.more(), tail.reach()), (false, Some(at(60_000))), "up to when the pass began");
    let query = tail.next(&source("shop"));
    assert_eq!((query.from, query.token), (at(45_000), None), "ten seconds before the newest line");
    let again = vec![line(46_000, 2, 4, "late"), line(55_000, 1, 3, "c"), line(62_000, 1, 5, "d")];
    let new = tail.take(at(63_500), page(again, None));
    assert_eq!(new.iter().map(|line| line.id).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_clock_that_is_finer_than_the_lines_counts_none_twice() {
    let half = SignedDuration::from_micros(500);
    let mut tail = Tail::begin(at(0) + half);
    // The newest line is as new as the pass, so the next pass starts ten seconds before this line.
    let first = vec![line(0, 1, 9, "at the beginning"), line(50_000, 1, 1, "a"), line(60_000, 1, 2, "b")];
    assert_eq!(tail.take(at(60_000) + half, page(first, None)).len(), 3);
    let again = tail.next(&source("shop"));
    assert_eq!(again.from, at(50_000));
    assert_eq!(tail.take(at(61_000) + half, page(vec![line(50_000, 1, 1, "a")], None)).len(), 0);
}

#[test]
fn a_silent_log_is_not_read_from_ever_longer_ago_and_a_fast_clock_carries_nothing_past() {
    let mut tail = Tail::begin(at(0));
    tail.take(at(3_600_000), page(Vec::new(), None));
    assert_eq!(tail.next(&source("shop")).from, at(3_540_000));
    // Written two hours in the future, by its clock.
    tail.take(at(3_603_000), page(vec![line(10_800_000, 1, 1, "fast")], None));
    assert_eq!(tail.next(&source("shop")).from, at(3_593_000));
    let new =
        tail.take(at(3_606_000), page(vec![line(3_604_000, 2, 2, "right"), line(10_800_000, 1, 1, "fast")], None));
    assert_eq!(new.len(), 1);
}

#[test]
fn a_token_that_is_not_taken_any_more_begins_anew_where_reading_was() {
    let mut tail = Tail::begin(at(0));
    assert!(!tail.restart(), "there was none");
    tail.take(at(200_000), page(vec![line(1_000, 1, 1, "a"), line(90_000, 1, 2, "b")], Some("t")));
    let asked = tail.next(&source("shop"));
    assert!(tail.waits_for(&asked) && tail.restart() && !tail.waits_for(&asked));
    let query = tail.next(&source("shop"));
    assert_eq!((query.from, query.token, tail.more()), (at(80_000), None, true));
    assert_eq!(tail.take(at(201_000), page(vec![line(90_000, 1, 2, "b"), line(91_000, 1, 3, "c")], None)).len(), 1);
}

#[test]
fn a_log_that_is_written_faster_than_it_is_read_begins_new_passes_all_the_same() {
    let mut tail = Tail::begin(at(0));
    tail.take(at(10_000), page(vec![line(9_000, 1, 1, "a")], Some("t")));
    tail.take(at(11_000), page(vec![line(10_500, 1, 2, "b")], Some("u")));
    let query = tail.next(&source("shop"));
    assert_eq!((query.from, query.token), (at(0), None), "ten seconds before the pass began");
    assert!(tail.more() && tail.reach() == Some(at(10_000)));
    // A line too late for the previous pass.
    let late = vec![line(8_000, 2, 3, "late"), line(9_000, 1, 1, "a"), line(10_500, 1, 2, "b")];
    assert_eq!(tail.take(at(12_000), page(late, None)).len(), 1);
}

#[test]
fn lines_are_in_the_order_of_their_times_and_the_oldest_go_first() {
    let mut book = LogBuffer::new(SMALL);
    book.take(at(9_000), vec![line(5_000, 1, 1, "e"), line(7_000, 1, 2, "g")]);
    book.take(at(9_000), vec![line(6_000, 2, 3, "f"), line(5_000, 2, 4, "e2"), line(1_000, 2, 5, "a")]);
    assert_eq!(texts(book.shown(Shown::default())), ["a", "e", "e2", "f", "g"]);
    book.take(at(9_000), vec![line(8_000, 1, 6, "h"), line(2_000, 1, 7, "b")]);
    assert_eq!(texts(book.shown(Shown::default())), ["e", "e2", "f", "g", "h"]);
    assert_eq!((book.kept(), book.all(LogSide::Unknown).lines), (5, 7));
    let bytes = book.bytes();
    book.take(at(9_000), (0..50).map(|id| line(9_000 + id, 1, 10 + id as u64, "x")).collect());
    assert!(book.bytes() <= bytes && book.kept() == 5);
    assert_eq!(book.of_task("00000001").lines, 54);
    let mut narrow = LogBuffer::new(Bounds { bytes: 4_000, lines: 1_000 });
    narrow.take(at(9_000), (0..50).map(|id| line(id, 1, id as u64, &"x".repeat(900))).collect());
    assert_eq!((narrow.kept(), narrow.all(LogSide::Unknown).lines), (4, 50));
}

#[test]
fn sides_are_told_apart_when_tasks_are_read_and_their_counts_with_them() {
    let mut book = LogBuffer::new(LARGE);
    book.take(at(9_000), vec![line(1_000, 1, 1, "ERROR a"), line(2_000, 2, 2, "b"), line(3_000, 3, 3, "ERROR c")]);
    assert_eq!((book.all(LogSide::Unknown).lines, book.all(LogSide::Canary).lines), (3, 0));
    let known = BTreeMap::from([("00000001", LogSide::Stable), ("00000002", LogSide::Canary)]);
    book.tell(|task| known.get(task).copied());
    let counts = [LogSide::Stable, LogSide::Canary, LogSide::Unknown].map(|whose| book.all(whose));
    assert_eq!(counts.map(|count| (count.lines, count.errors)), [(1, 1), (1, 0), (1, 1)]);
    // A task missing from the answer keeps its side.
    book.tell(|_| None);
    let stable = Shown { whose: Some(LogSide::Stable), found: false };
    assert_eq!(texts(book.shown(stable)), ["ERROR a"]);
}

#[test]
fn tasks_that_are_long_gone_are_summed() {
    let mut book = LogBuffer::new(SMALL);
    for task in 0..1_000_u64 {
        book.take(at(task as i64), vec![line(task as i64, task, task, "ERROR"), line(task as i64, task, task, "x")]);
        book.tell(|_| Some(LogSide::Canary));
    }
    let all = book.all(LogSide::Canary);
    assert_eq!((all.lines, all.errors), (2_000, 1_000));
    assert_eq!(book.between(LogSide::Canary, at(-10_000), at(10_000)).lines, 2_000);
    let bytes = book.bytes();
    assert!(bytes < 1 << 20, "{bytes}");
    assert_eq!(book.of_task("00000000").lines, 0, "no longer told apart");
}

#[test]
fn what_is_searched_for_is_marked_once_and_for_all_that_comes() {
    let mut book = LogBuffer::new(LARGE);
    book.take(at(9), vec![line(1, 1, 1, "Timeout of shop"), line(2, 2, 2, "time"), line(3, 1, 3, "order")]);
    let found = Shown { whose: None, found: true };
    for (text, lines) in [
        ("TIME", vec!["Timeout of shop", "time"]),
        ("TIMEO", vec!["Timeout of shop"]),
        ("tim", vec!["Timeout of shop", "time"]),
        (".*", vec![]),
        ("app/00000002", vec!["time"]),
        ("", vec![]),
    ] {
        book.search(text);
        assert_eq!(texts(book.shown(found)), lines, "{text}");
    }
    book.search("order");
    book.take(at(9), vec![line(4, 1, 4, "another ORDER"), line(5, 1, 5, "none")]);
    assert_eq!(texts(book.up_to(None, found)), ["another ORDER", "order"]);
    let first = book.shown(found).next().unwrap().key;
    assert_eq!(texts(book.behind(first, found)), ["another ORDER"]);
    assert_eq!(texts(book.up_to(Some(first), found)), ["order"]);
}

#[test]
fn a_search_goes_through_many_lines_a_part_at_a_time_the_newest_first() {
    let bounds = Bounds { bytes: 1 << 30, lines: 100_000 };
    let mut book = LogBuffer::new(bounds);
    book.take(at(99_000), (0..60_000).map(|n| line(n, 1, n.cast_unsigned(), "order")).collect());
    let found = Shown { whose: None, found: true };
    let mut seen = Vec::new();
    book.search("ord");
    while book.unsearched() > 0 {
        seen.push((book.unsearched(), book.shown(found).count()));
        assert_eq!(book.up_to(None, found).next().map(|line| line.key.0), Some(at(59_999)));
        book.search("ord");
    }
    assert_eq!(seen, [(35_000, 25_000), (10_000, 50_000)]);
    assert_eq!(book.shown(found).count(), 60_000);
    book.search("other");
    assert_eq!((book.unsearched(), book.shown(found).count()), (35_000, 0), "what was found before is not found now");
}

#[test]
fn rates_are_counted_by_slots_of_time() {
    let mut tally = LineCounters::default();
    for second in 0..1_200 {
        tally.add(at(second * 1_000), second % 60 == 0);
    }
    assert_eq!((tally.all().lines, tally.all().errors), (1_200, 20));
    let to = whole(at(1_190_000));
    let minute = tally.between(to - SignedDuration::from_secs(60), to);
    assert_eq!((minute.lines, minute.errors), (60, 1));
    // Older than the kept slots: in the total, and in no minute.
    tally.add(at(0), true);
    assert_eq!((tally.all().lines, tally.between(whole(at(0)), whole(at(100_000))).lines), (1_201, 0));
}

/// A log group as CloudWatch answers for it: lines by their times, as far as they have arrived.
struct Group {
    /// Time of writing and time of arrival of each line.
    lines: Vec<(i64, i64)>,
}

impl Group {
    fn answer(&self, now: i64, from: Timestamp, token: Option<&str>, most: usize) -> LogPage {
        let behind = token.map(|token| {
            let (at, id) = token.split_once(' ').unwrap();
            (at.parse::<i64>().unwrap(), id.parse::<u64>().unwrap())
        });
        let there = (0_u64..).zip(&self.lines).filter(|(_, (written, came))| *came <= now && at(*written) >= from);
        let mut there: Vec<_> = there.map(|(id, (written, _))| (*written, id)).collect();
        there.sort_unstable();
        there.retain(|line| behind.is_none_or(|behind| *line > behind));
        let more = there.len() > most;
        there.truncate(most);
        let next = there.last().filter(|_| more).map(|(written, id)| format!("{written} {id}"));
        let text = |id: u64| if id.is_multiple_of(3) { "ERROR" } else { "fine" };
        let lines = there.iter().map(|(written, id)| line(*written, id % 5, *id, text(*id))).collect();
        LogPage { lines, next }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines arrive late and out of order, pages have any size, tokens are refused, answers take any time, and almost
    /// no lines are kept.
    #[test]
    fn every_line_is_counted_once(
        mut lines in proptest::collection::vec((0_i64..120_000, 0_i64..10_000), 0..400),
        steps in proptest::collection::vec((100_i64..6_000, 1_usize..40, 0_u8..12), 10..60),
    ) {
        for (written, late) in &mut lines {
            *late += *written;
        }
        let group = Group { lines };
        let mut tail = Tail::begin(at(0));
        let mut book = LogBuffer::new(SMALL);
        let (mut now, mut seen) = (0, BTreeSet::new());
        let mut steps = steps.into_iter();
        loop {
            let over = now > 140_000 && !tail.more();
            // In the end the tail may read without failures.
            let (wait, most, luck) = match steps.next() {
                Some(step) if now <= 140_000 => step,
                _ if over && tail.reach() > Some(at(140_000)) => break,
                _ => (3_000, 100, 1),
            };
            now += wait;
            let query = tail.next(&source("shop"));
            if luck == 0 && tail.restart() {
                continue;
            }
            let page = group.answer(now, query.from, query.token.as_deref(), most);
            let new = tail.take(at(now), page);
            for line in &new {
                prop_assert!(seen.insert(line.id), "{} came twice", line.id);
            }
            book.take(at(now), new);
        }
        let all = book.all(LogSide::Unknown);
        prop_assert_eq!(all.lines, group.lines.len() as u64);
        prop_assert_eq!(all.errors, (0..group.lines.len()).filter(|id| id % 3 == 0).count() as u64);
        prop_assert!(book.kept() <= 5);
    }
}
