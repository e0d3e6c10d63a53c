//! What a table says of records that were judged before rules, whatever they are judged now.

use super::*;

#[test]
fn a_replay_under_the_same_plan_writes_no_dead_letter_twice() {
    let engine = engine();
    engine.open(id(1), 6, None).unwrap();
    let outcome = Poll::new(1, [bad(4), good(5), bad(6)])
        .into(&engine)
        .unwrap();
    assert_eq!(outcome.report.dead_letters, 2);
    assert_eq!(
        outcome
            .rejections
            .iter()
            .map(|rejection| rejection.offset)
            .collect::<Vec<_>>(),
        [4, 6]
    );
    let letters = sealed(&engine, Table::DeadLetter, 1);
    assert_eq!(
        (offsets(&letters), replayed(&letters)),
        (vec![6], vec![false])
    );
}

#[test]
fn a_verdict_makes_a_record_a_dead_letter_that_would_be_a_row() {
    let engine = engine();
    engine.open(id(1), 6, Some(vec![5, 2])).unwrap();
    let outcome = Poll::new(1, [good(4), good(5), good(6)])
        .into(&engine)
        .unwrap();
    assert_eq!(
        (
            outcome.report.rows,
            outcome.report.dead_letters,
            outcome.report.tombstones
        ),
        (2, 1, 0)
    );
    assert_eq!(offsets(&sealed(&engine, Table::Main, 1)), [4, 6]);
    assert!(sealed(&engine, Table::DeadLetter, 1).is_empty());
}

#[test]
fn a_verdict_counts_for_a_tombstone_too() {
    let engine = engine();
    engine.open(id(1), 6, Some(vec![5])).unwrap();
    let report = Poll::new(1, [(4, None), (5, None)])
        .into(&engine)
        .unwrap()
        .report;
    assert_eq!(
        (report.records, report.dead_letters, report.tombstones),
        (2, 1, 1)
    );
}

#[test]
fn a_dead_letter_that_the_verdicts_lack_is_appended_and_marked() {
    let engine = engine();
    engine.open(id(1), 6, Some(vec![4])).unwrap();
    let outcome = Poll::new(1, [bad(4), bad(5), bad(6)])
        .into(&engine)
        .unwrap();
    assert_eq!(outcome.report.dead_letters, 3);
    let letters = sealed(&engine, Table::DeadLetter, 1);
    assert_eq!(
        (offsets(&letters), replayed(&letters)),
        (vec![5, 6], vec![true, false])
    );
}

#[test]
fn a_verdict_at_or_after_the_table_s_end_is_none() {
    let engine = engine();
    engine.open(id(1), 6, Some(vec![6])).unwrap();
    assert_eq!(
        Poll::new(1, [good(6)]).into(&engine).unwrap().report.rows,
        1
    );
}
