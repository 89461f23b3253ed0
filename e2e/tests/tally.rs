//! The count of checks that `sdk-suites` prints is read off what the runners say.

use countersign_e2e::tally::Tally;

#[test]
fn closing_lines_are_read_and_other_lines_are_not() {
    for (line, passed, failed) in [
        (
            "======= 1 failed, 239 passed, 2 warnings in 80.03s (0:01:20) =======",
            239,
            1,
        ),
        (
            "\u{1b}[32m==== \u{1b}[32m\u{1b}[1m7 passed\u{1b}[0m\u{1b}[32m in 0.1s\u{1b}[0m ====",
            7,
            0,
        ),
        ("=== 3 passed, 2 errors in 1.0s ===", 3, 2),
        ("ℹ pass 81", 81, 0),
        ("# fail 2", 0, 2),
        (
            "test result: ok. 50 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            50,
            0,
        ),
        (
            "test result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out",
            1,
            4,
        ),
        ("test_tokens.py::test_3 passed", 0, 0),
        ("the 3 passed arguments", 0, 0),
        ("ℹ tests 83", 0, 0),
    ] {
        assert_eq!(Tally::of_line(line), Tally { passed, failed }, "{line}");
    }
}
