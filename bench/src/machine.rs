//! Which machine this is, for the head of a table.

/// Processor, cores and memory, in one line.
pub(crate) fn describe() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(": unknown processor");
    let ifma = if cpu.contains("avx512ifma") {
        "with"
    } else {
        "without"
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0);
    format!(
        "{}, {ifma} AVX512-IFMA, {cores} cores, {} GiB",
        model.trim_start_matches([' ', '\t', ':']),
        kib >> 20
    )
}
