//! The time inside a Svix message id.

use jiff::Timestamp;
use proptest::prelude::*;
use users_sync::ksuid;

/// What a Svix message id may hold: the milliseconds of 2014 to 2150.
fn moments() -> std::ops::Range<i64> {
    1_400_000_000_000..5_694_967_295_000
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time")
}

#[test]
fn a_known_id_contains_its_second() {
    let time = ksuid::time("2KWPBgLlAfxdpx2AI54pPJ85f4W").expect("a KSUID");

    assert_eq!(time.as_second(), 1_674_087_231);
    assert_eq!(time.as_millisecond(), 1_674_087_231_400);
}

#[test]
fn the_least_and_the_greatest_id_are_times() {
    let least = ksuid::time("000000000000000000000000000").expect("a KSUID");
    let greatest = ksuid::time("aWgEPTl1tmebfsQzFP4bxwgy80V").expect("a KSUID");

    assert_eq!(least.as_second(), 1_400_000_000);
    assert_eq!(greatest.as_second(), 1_400_000_000 + i64::from(u32::MAX));
}

#[test]
fn a_text_that_is_no_ksuid_contains_no_time() {
    let foreign = [
        "",
        "2KWPBgLlAfxdpx2AI54pPJ85f4",
        "2KWPBgLlAfxdpx2AI54pPJ85f4WW",
        "2KWPBgLlAfxdpx2AI54pPJ85f4-",
        "2KWPBgLlAfxdpx2AI54pPJ85f ü",
        "üüüüüüüüüüüüü1",
        // One more than the greatest.
        "aWgEPTl1tmebfsQzFP4bxwgy80W",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        // The low byte of its first letter is a digit.
        "\u{132}KWPBgLlAfxdpx2AI54pPJ85f4",
    ];
    for text in foreign {
        assert_eq!(ksuid::time(text), None, "{text}");
    }
}

#[test]
fn an_id_with_more_steps_than_a_second_has_sorts_after_those_with_fewer() {
    // The fifth byte is 249, 250 and 255.
    let ids = [
        "000007ZrXzKXGDusbfaV1uz1U01",
        "000007bkXVpqEn9Ke1uJCHToDwX",
        "000007lBV8MN7dJappVM25xjvf7",
    ];
    let times = ids.map(|id| ksuid::time(id).expect("a KSUID").as_millisecond());

    assert_eq!(times, [1_400_000_000_996, 1_400_000_000_999, 1_400_000_000_999]);
}

#[test]
fn an_id_of_a_time_outside_its_range_is_one_of_its_ends() {
    let before = ksuid::new(at(0));
    let after = ksuid::new("9999-01-01T00:00:00Z".parse().expect("a time"));

    assert_eq!(ksuid::time(&before), Some(at(1_400_000_000_000)));
    assert_eq!(
        ksuid::time(&after).map(Timestamp::as_second),
        Some(1_400_000_000 + i64::from(u32::MAX))
    );
}

proptest! {
    #[test]
    fn an_id_contains_its_creation_in_steps_of_four_milliseconds(moment in moments()) {
        let id = ksuid::new(at(moment));

        prop_assert_eq!(id.len(), 27);
        prop_assert_eq!(ksuid::time(&id), Some(at(moment - moment % 1000 % 4)));
    }

    #[test]
    fn ids_made_at_different_steps_sort_bytewise_by_their_time(
        moment in moments(),
        later in 4..10_000_000_000_i64,
    ) {
        let (first, second) = (ksuid::new(at(moment)), ksuid::new(at(moment + later)));

        prop_assert!(first.as_bytes() < second.as_bytes(), "{first} {second}");
    }

    #[test]
    fn any_two_ids_that_sort_bytewise_have_times_that_sort(
        one in "[0-9A-Za]{1}[0-9A-Za-z]{26}",
        other in "[0-9A-Za]{1}[0-9A-Za-z]{26}",
    ) {
        let (lesser, greater) = if one < other { (one, other) } else { (other, one) };

        if let (Some(earlier), Some(later)) = (ksuid::time(&lesser), ksuid::time(&greater)) {
            prop_assert!(earlier <= later, "{lesser} {greater}");
        }
    }

    #[test]
    fn garbage_contains_a_time_or_none_and_never_panics(text in any::<String>(), close in ".{27}") {
        for garbage in [text, close] {
            if let Some(time) = ksuid::time(&garbage) {
                prop_assert!(garbage.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                prop_assert!((1_400_000_000..=5_694_967_295).contains(&time.as_second()));
            }
        }
    }
}
