// Reports for tests: everything that a report must have, and whatever the test says.
import { BENCH_LAYOUT, type BenchReport, type BenchRow } from "./report.ts";

export function fakeRow(row: Partial<Omit<BenchRow, "ms">> & { model: string; ms?: number }): BenchRow {
  const { ms = 10, batch = 1, ...rest } = row;
  return {
    height: 224,
    width: 224,
    device: "cpu",
    precision: "float32",
    threads: 2,
    pictures_per_second: (1000 * batch) / ms,
    compile_ms: 5,
    ...rest,
    batch,
    ms: { median: ms, q1: 0.9 * ms, q3: 1.2 * ms },
  };
}

export function fakeReport(rows: BenchRow[], report: Partial<BenchReport> = {}): BenchReport {
  return {
    layout: BENCH_LAYOUT,
    saccade: "0.1.0",
    date: "2026-01-02T03:04:05.678Z",
    machine: {
      processor: "A <fast> & good processor",
      cores: 2,
      machine_cores: 4,
      simd: ["avx2"],
      memory_bytes: 8e9,
      platform: "linux-x64",
      runtime: "Node v20.0.0",
    },
    engines: { cpu: "onnxruntime-node 1.30.0" },
    seed: 0,
    decode: false,
    rounds: 10,
    rounds_used: 10,
    complete: true,
    load: { others: 0.01, process_cores: 1.9, quiet: true, notes: [] },
    limits: [{ device: "cpu", threads: 2, gflops: 200, size: 1024 }],
    rows,
    skipped: [],
    ...report,
  };
}
