// Timelines as files that other programs read: CSV for tables, SRT for players.
import type { TimelineSegment } from "./results.ts";

/** The columns of a timeline as a table. */
export const TIMELINE_COLUMNS = ["path", "start", "end", "label", "score"] as const;

/**
 * Segments as lines of a table (RFC 4180), without the header: seconds with milliseconds, probabilities from 0 to 1.
 *
 * @param path of the video, as the first column has it
 */
export function timelineCsv(path: string, segments: readonly TimelineSegment[]): string {
  return segments
    .map(({ start, end, label, score }) =>
      [cell(path), start.toFixed(3), end.toFixed(3), cell(label), score.toFixed(4)].join(","),
    )
    .map((line) => `${line}\r\n`)
    .join("");
}

/** The header of `timelineCsv`. */
export const timelineCsvHeader = `${TIMELINE_COLUMNS.join(",")}\r\n`;

/** Quoted where it must be; a line break in a name would be another row to many programs. */
function cell(text: string): string {
  const line = text.replace(/[\r\n]+/g, " ");
  return /[",;\t]/.test(line) ? `"${line.replaceAll('"', '""')}"` : line;
}

/**
 * Segments as subtitles (SubRip). Players count from the beginning: what is shown before 0 begins there.
 *
 * @example timelineSrt([{ start: 0, end: 2, label: "dog", index: 1, score: 0.83, windows: 2 }]) // "1\n00:00:00,000 --> 00:00:02,000\ndog 83 %\n\n"
 */
export function timelineSrt(segments: readonly TimelineSegment[]): string {
  return segments
    .map(({ start, end, label, score }, i) => {
      const words = label.replace(/[\r\n]+/g, " ").replaceAll("-->", "→");
      return `${i + 1}\n${srtTime(start)} --> ${srtTime(end)}\n${words} ${Math.round(100 * score)} %\n\n`;
    })
    .join("");
}

/** 3725.5 -> "01:02:05,500" */
function srtTime(seconds: number): string {
  const all = Math.max(0, Math.round(1000 * seconds));
  const padded = (value: number, digits: number) => String(value).padStart(digits, "0");
  const [hours, minutes] = [Math.floor(all / 3_600_000), Math.floor(all / 60_000) % 60];
  return `${padded(hours, 2)}:${padded(minutes, 2)}:${padded(Math.floor(all / 1000) % 60, 2)},${padded(all % 1000, 3)}`;
}
