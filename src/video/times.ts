// Times of frames: which one is shown at a moment, and when the last one is over.

/** Matroska keeps whole milliseconds: a frame may be written up to half of one after its moment. */
const ROUNDING_SECONDS = 0.0005;

/** How long the frame of a video is shown that has only this one, where nobody says. */
const SINGLE_FRAME_SECONDS = 0.04;

/**
 * The number of the frame that is shown at a moment: the last whose time has come. Before the first it is the first. Half a millisecond is forgiven, or
 * a quarter of a frame where frames are that short.
 *
 * @param times in seconds, ascending, at least one
 */
export function frameAt(times: Float64Array, seconds: number): number {
  const forgiven = Math.min(ROUNDING_SECONDS, meanFrameSeconds(times) / 4);
  let [low, high] = [0, times.length];
  // The first frame whose time is yet to come is found between them.
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= seconds + forgiven) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** When the last frame is over: it is shown for as long as the others are at the median. */
export function videoEnd(times: Float64Array): number {
  return times[times.length - 1]! + medianFrameSeconds(times);
}

/** The mean time between frames; of a single one, a guess. */
export function meanFrameSeconds(times: Float64Array): number {
  const last = times.length - 1;
  const span = last < 1 ? 0 : (times[last]! - times[0]!) / last;
  return span > 0 ? span : SINGLE_FRAME_SECONDS;
}

function medianFrameSeconds(times: Float64Array): number {
  if (times.length < 2) return SINGLE_FRAME_SECONDS;
  const gaps = times
    .subarray(1)
    .map((time, i) => time - times[i]!)
    .sort();
  const median = gaps[gaps.length >>> 1]!;
  return median > 0 ? median : meanFrameSeconds(times);
}
