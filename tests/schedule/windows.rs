//! Windows: days, hours, time zones, and the nights on which clocks are changed.

use straddle::coordinator::schedule::{self, Window};

use crate::fleet::{ask_schedule, clock, fleet};

/// Whether a node goes in this window at this time of UTC, or when it opens next.
fn at(window: &str, time: &str) -> Result<(), String> {
    let toml = format!("window = ['{window}']");
    let scheduling = schedule::parse(&toml).unwrap_or_else(|error| panic!("{error}"));
    let said = ask_schedule(&*scheduling.schedule, &fleet(1), clock(micros(time)), 0);
    match said.waits.get("n00") {
        None => Ok(()),
        Some((_, until)) => Err(shown(until.expect("a window opens again"))),
    }
}

fn micros(time: &str) -> u64 {
    let time: jiff::Timestamp = format!("{time}:00Z").parse().expect("a time");
    time.as_microsecond().try_into().expect("after 1970")
}

fn shown(micros: u64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros.try_into().expect("a time")).expect("a time");
    time.strftime("%Y-%m-%dT%H:%M").to_string()
}

fn opens(window: &str, time: &str, next: &str) {
    assert_eq!(at(window, time), Err(next.to_owned()), "{window} at {time}");
}

fn open(window: &str, time: &str) {
    assert_eq!(at(window, time), Ok(()), "{window} at {time}");
}

#[test]
fn a_window_is_open_from_its_first_minute_to_before_its_last() {
    opens("09:00-17:00 UTC", "2026-11-21T08:59", "2026-11-21T09:00");
    open("09:00-17:00 UTC", "2026-11-21T09:00");
    open("09:00-17:00 UTC", "2026-11-21T16:59");
    opens("09:00-17:00 UTC", "2026-11-21T17:00", "2026-11-22T09:00");
}

#[test]
fn days_of_the_week_count_in_the_windows_own_zone() {
    // 2026-11-21 is a Saturday.
    opens("Mon-Fri 09:00-17:00 UTC", "2026-11-21T12:00", "2026-11-23T09:00");
    opens("Wed 09:00-17:00 UTC", "2026-11-18T18:00", "2026-11-25T09:00");
    open("Sun 00:00-09:00 Asia/Tokyo", "2026-11-21T16:00");
    opens("Fri-Mon 09:00-17:00 UTC", "2026-11-24T09:00", "2026-11-27T09:00");
    open("sat,SUN 00:00-24:00 UTC", "2026-11-22T23:59");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    open("Sat 22:00-04:00 UTC", "2026-11-22T03:59");
    opens("Sat 22:00-04:00 UTC", "2026-11-22T04:00", "2026-11-28T22:00");
    opens("Sat 22:00-04:00 UTC", "2026-11-21T03:00", "2026-11-21T22:00");
    open("Sun 22:00-04:00 UTC", "2026-11-23T02:00");
}

#[test]
fn hours_are_those_on_the_wall_in_summer_and_in_winter() {
    open("09:00-17:00 Europe/Berlin", "2026-07-01T07:00");
    opens("09:00-17:00 Europe/Berlin", "2026-12-01T07:00", "2026-12-01T08:00");
}

#[test]
fn an_hour_that_is_left_out_in_spring_is_taken_as_so_much_later() {
    // On 2026-03-29 clocks in Berlin go from 02:00 to 03:00, at 01:00 UTC.
    opens("02:30-04:00 Europe/Berlin", "2026-03-29T01:29", "2026-03-29T01:30");
    open("02:30-04:00 Europe/Berlin", "2026-03-29T01:30");
    opens("02:30-04:00 Europe/Berlin", "2026-03-29T02:00", "2026-03-30T00:30");
    open("02:00-02:30 Europe/Berlin", "2026-03-29T01:15");
    open("22:00-06:00 Europe/Berlin", "2026-03-29T03:59");
    opens("22:00-06:00 Europe/Berlin", "2026-03-29T04:00", "2026-03-29T20:00");
}

#[test]
fn of_an_hour_that_comes_twice_in_autumn_the_first_one_counts() {
    // On 2026-10-25 clocks in Berlin go from 03:00 back to 02:00, at 01:00 UTC.
    open("02:30-03:00 Europe/Berlin", "2026-10-25T00:30");
    open("02:30-03:00 Europe/Berlin", "2026-10-25T01:59");
    opens("02:00-02:30 Europe/Berlin", "2026-10-25T01:15", "2026-10-26T01:00");
}

#[test]
fn any_of_several_windows_will_do() {
    let toml = "window = ['Mon 09:00-10:00 UTC', 'Sat 13:00-14:00 UTC']";
    let scheduling = schedule::parse(toml).expect("a schedule");
    let said = ask_schedule(&*scheduling.schedule, &fleet(1), clock(micros("2026-11-21T12:00")), 0);
    let why = "it is outside `Mon 09:00-10:00 UTC` and `Sat 13:00-14:00 UTC`, which opens Sat 2026-11-21 13:00 UTC";
    assert_eq!(said.why("n00"), why.replace("which opens", "and the next one opens"));
}

#[test]
fn windows_are_written_as_they_are_read() {
    for text in ["Mon,Tue 09:00-17:00 Europe/Berlin", "22:00-04:00 UTC", "Sun 00:00-24:00 Asia/Tokyo"] {
        assert_eq!(text.parse::<Window>().expect(text).to_string(), text);
    }
}

#[test]
fn what_is_no_window_is_told() {
    for (text, part) in [
        ("", "no window"),
        ("whenever", "no window"),
        ("Mon-Fri 09:00-17:00", "names no time zone"),
        ("Mon-Fry 09:00-17:00 UTC", "`Fry` is no day"),
        ("9:00-17:00 UTC", "`9:00` is no time of day"),
        ("09:00-24:01 UTC", "`24:01` is no time of day"),
        ("09:60-17:00 UTC", "`09:60` is no time of day"),
        ("09:00-09:00 UTC", "no span of time"),
        ("09:00 UTC", "no hours"),
        ("09:00-17:00 Europe/Atlantis", "no time zone `Europe/Atlantis`"),
        ("Mon 09:00-17:00 Europe Berlin", "no window"),
    ] {
        let error = text.parse::<Window>().expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}
